using Warp.Actors.Sequencing;

namespace Warp.Actors.Maintenance;

/// <summary>Which partition of a shard is to be compacted by key next, and how far. Pure functions.</summary>
public static class CleaningRules
{
    /// <summary>Finds the partition with the largest share that is not compacted yet; one whose tombstones may go comes first.</summary>
    /// <param name="state">The shard.</param>
    /// <param name="policies">By topic id; the partitions of other topics are left alone.</param>
    /// <param name="except">Partitions that are not to be tried now.</param>
    /// <param name="nowMs">The database's clock, in ms since 1970.</param>
    /// <returns>Null when there is nothing to do.</returns>
    public static CleanablePartition? Find(
        SequencerState state, IReadOnlyDictionary<Guid, CleaningPolicy> policies, IReadOnlySet<TopicPartition> except, long nowMs)
    {
        PartitionLog? best = null;
        double bestUrgency = 0;
        foreach (PartitionLog log in state.Logs)
        {
            if (policies.TryGetValue(log.Key.TopicId, out CleaningPolicy? policy)
                && UrgencyOf(log, policy, nowMs) is var urgency && urgency > bestUrgency && !except.Contains(log.Key))
            {
                (best, bestUrgency) = (log, urgency);
            }
        }
        if (best is null)
            return null;
        CleaningPolicy chosen = policies[best.Key.TopicId];
        var readable = new List<ReadableExtent>();
        foreach (Extent extent in best.Extents[..CountCleanable(best, chosen, nowMs)])
            readable.Add(state.Readable(extent));
        return new CleanablePartition(best.Key, readable, chosen.DeleteRetentionMs);
    }

    /// <summary>How much a log needs it: 0 for not at all, up to 1 by its share that was not compacted yet, 2 for tombstones that may go.</summary>
    public static double UrgencyOf(PartitionLog log, CleaningPolicy policy, long nowMs)
    {
        int count = CountCleanable(log, policy, nowMs);
        if (count == 0)
            return 0;
        if (log.Cleaning.DeleteHorizonMs > 0 && log.Cleaning.DeleteHorizonMs <= nowMs)
            return 2;
        long total = 0;
        long dirty = 0;
        bool isOverdue = false;
        foreach (Extent extent in log.Extents[..count])
        {
            total += extent.Length;
            if (extent.LastOffset < log.Cleaning.UpToOffset)
                continue;
            dirty += extent.Length;
            isOverdue |= nowMs - extent.TimeMs > policy.MaxLagMs;
        }
        double ratio = dirty / (double)total;
        bool isWorthIt = dirty >= policy.MinDirtyBytes && ratio >= policy.MinDirtyRatio;
        return dirty > 0 && (isWorthIt || isOverdue) ? ratio : 0;
    }

    /// <summary>How many of the first extents may be compacted: those before the first with a record that is too young.</summary>
    private static int CountCleanable(PartitionLog log, CleaningPolicy policy, long nowMs)
    {
        if (policy.MinLagMs == 0)
            return log.Extents.Length; // Whatever their times are.
        int count = 0;
        foreach (Extent extent in log.Extents)
        {
            if (nowMs - extent.TimeMs < policy.MinLagMs)
                break;
            count++;
        }
        return count;
    }
}

/// <summary>A partition to compact by key.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Extents">All of its extents that may be compacted, from the log start on, by offset.</param>
/// <param name="DeleteRetentionMs">How long its tombstones stay once they were compacted, in ms.</param>
public sealed record CleanablePartition(TopicPartition Partition, IReadOnlyList<ReadableExtent> Extents, long DeleteRetentionMs);

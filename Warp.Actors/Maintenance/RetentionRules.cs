using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Maintenance;

/// <summary>
/// Which records are too old, or too many. As in Kafka, where a segment goes as a whole, an extent does: from the start of the log, up to
/// the first that must stay. All offsets lie below the high watermark, so retention never goes past it. Pure functions.
/// </summary>
public static class RetentionRules
{
    /// <summary>
    /// The most extents that one decision drops. Each may be an object's row to update: a thousand take some 10 ms, for which the
    /// shard's commits wait.
    /// </summary>
    public const int MaxExtents = 1000;

    /// <summary>Decides for all partitions of a shard.</summary>
    /// <param name="state">The shard.</param>
    /// <param name="policies">By topic id; the partitions of other topics stay as they are.</param>
    /// <param name="nowMs">The database's clock, in ms since 1970.</param>
    public static RetentionDecision Decide(SequencerState state, IReadOnlyDictionary<Guid, RetentionPolicy> policies, long nowMs)
    {
        var events = new List<IEvent>();
        var dropped = new List<Extent>();
        foreach (PartitionLog log in state.Logs)
        {
            if (!policies.TryGetValue(log.Key.TopicId, out RetentionPolicy policy))
                continue;
            int count = CountExpired(log.Extents, log.SizeBytes, policy, nowMs);
            if (count == 0)
                continue;
            if (dropped.Count == MaxExtents)
                return new RetentionDecision(events, dropped, IsComplete: false);
            int taken = Math.Min(count, MaxExtents - dropped.Count);
            log.Extents[..taken].AddTo(dropped);
            events.Add(new LogStartAdvanced
            {
                Time = nowMs,
                TopicId = log.Key.TopicId,
                Partition = log.Key.Partition,
                LogStartOffset = taken < log.Extents.Length ? log.Extents[taken].BaseOffset : log.NextOffset,
            });
            if (taken < count)
                return new RetentionDecision(events, dropped, IsComplete: false);
        }
        return new RetentionDecision(events, dropped, IsComplete: true);
    }

    /// <summary>How many of a partition's first extents go: by size first, then by time, as Kafka does.</summary>
    /// <param name="extents">The partition's extents, by offset.</param>
    /// <param name="sizeBytes">The bytes of all of them.</param>
    /// <param name="policy">The topic's.</param>
    /// <param name="nowMs">The database's clock, in ms since 1970.</param>
    public static int CountExpired(ExtentRange extents, long sizeBytes, in RetentionPolicy policy, long nowMs)
    {
        int count = 0;
        // By size, an extent goes only if what is left then still reaches the limit.
        bool isBySize = policy.RetentionBytes >= 0;
        long excess = sizeBytes - policy.RetentionBytes;
        foreach (Extent extent in extents)
        {
            isBySize = isBySize && excess >= extent.Length;
            if (isBySize)
                excess -= extent.Length;
            else if (policy.RetentionMs < 0 || nowMs - extent.TimeMs <= policy.RetentionMs)
                break;
            count++;
        }
        return count;
    }
}

/// <summary>What <see cref="RetentionRules"/> decided for a shard.</summary>
/// <param name="Events">To journal; a <see cref="LogStartAdvanced"/> for each partition that loses records.</param>
/// <param name="Dropped">The extents that go with them.</param>
/// <param name="IsComplete">Whether nothing else is to go; otherwise ask again once these events are applied.</param>
public sealed record RetentionDecision(IReadOnlyList<IEvent> Events, List<Extent> Dropped, bool IsComplete);

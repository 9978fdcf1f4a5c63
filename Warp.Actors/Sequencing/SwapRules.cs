using System.Runtime.InteropServices;
using Warp.Actors.Persistence;

namespace Warp.Actors.Sequencing;

/// <summary>
/// The rules of a swap: which partitions take the extents that compaction made, and which keep those that they have. A function of the
/// state and the swap; nothing is changed.
/// </summary>
public static class SwapRules
{
    /// <summary>A swap id further in the future than this means a broken clock.</summary>
    private static readonly TimeSpan s_maxAhead = TimeSpan.FromSeconds(5);

    /// <summary>Decides a swap.</summary>
    public static SwapDecision Decide(SequencerState state, ExtentReplacement swap, DateTimeOffset now, TimeSpan deadline)
    {
        if (state.FindSwap(swap.SwapId) is { } known)
            return new SwapDecision(SwapRefusal.None, known, null, []);
        // Answers are forgotten by the time of the events: a clock that lags behind them must not make a forgotten swap a new one.
        var latest = DateTimeOffset.FromUnixTimeMilliseconds(Math.Max(state.TimeMs, now.ToUnixTimeMilliseconds()));
        if (swap.SwapId.Time - latest > s_maxAhead)
            return SwapDecision.Refuse(SwapRefusal.FromTheFuture);
        if (latest - swap.SwapId.Time > deadline)
            return SwapDecision.Refuse(SwapRefusal.TooLate);

        var draft = new SwapDraft(state, swap);
        foreach (PartitionReplacement partition in swap.Partitions)
            draft.Decide(partition);
        return draft.Finish(now);
    }

    private sealed class SwapDraft(SequencerState state, ExtentReplacement swap)
    {
        private readonly Dictionary<ObjectId, int> _outputs = IndexOf(swap.Outputs);
        private readonly List<ExtentsReplaced.ReplacedPartition> _partitions = [];
        private readonly HashSet<TopicPartition> _seen = [];
        private readonly HashSet<ObjectId> _used = [];
        private readonly List<Extent> _dropped = [];

        public void Decide(PartitionReplacement partition)
        {
            var decided = new ExtentsReplaced.ReplacedPartition
            {
                TopicId = partition.Partition.TopicId,
                Partition = partition.Partition.Partition,
            };
            decided.Refusal = (sbyte)Take(partition, decided);
            _partitions.Add(decided);
        }

        public SwapDecision Finish(DateTimeOffset now)
        {
            PartitionRefusal[] answers = [.. _partitions.Select(static partition => (PartitionRefusal)partition.Refusal)];
            var replaced = new ExtentsReplaced
            {
                Time = now.ToUnixTimeMilliseconds(),
                SwapId = swap.SwapId.ToGuid(),
                Outputs =
                [
                    .. swap.Outputs.Select(static output => new ExtentsReplaced.ReplacementOutput
                    {
                        ObjectId = output.Id.ToGuid(),
                        SizeBytes = output.SizeBytes,
                        Level = (sbyte)output.Level,
                    }),
                ],
                Partitions = _partitions,
            };
            List<ObjectReference> references = state.ReferencesDroppedWith(CollectionsMarshal.AsSpan(_dropped));
            foreach (OutputObject output in swap.Outputs)
            {
                if (_used.Contains(output.Id) && !state.Objects.ContainsKey(output.Id))
                    references.Add(new ObjectReference(output.Id, output.SizeBytes, output.Level, ReferenceChange.AddRegistered));
            }
            return new SwapDecision(SwapRefusal.None, answers, replaced, references);
        }

        private PartitionRefusal Take(PartitionReplacement partition, ExtentsReplaced.ReplacedPartition decided)
        {
            if (!_seen.Add(partition.Partition) || !IsWellFormed(partition))
                return PartitionRefusal.Malformed;
            if (state.Find(partition.Partition) is not { } log)
                return PartitionRefusal.UnknownPartition;

            var removed = new List<ExtentsReplaced.RemovedRun>();
            ExtentRange extents = log.Extents;
            int next = -1;
            foreach (Extent replaced in partition.Replaced)
            {
                // What the log start has passed is gone already, whoever moved it.
                if (replaced.LastOffset < log.LogStartOffset)
                    continue;
                int at = log.FindExtent(replaced.BaseOffset);
                if (at == extents.Length || extents[at] != replaced)
                    return PartitionRefusal.ExtentsMissing;
                if (at == next)
                    removed[^1].ExtentCount++;
                else
                    removed.Add(new ExtentsReplaced.RemovedRun { BaseOffset = replaced.BaseOffset, ExtentCount = 1 });
                next = at + 1;
            }
            decided.Removed = removed;
            foreach (ExtentsReplaced.RemovedRun run in removed)
                extents.Slice(log.FindExtent(run.BaseOffset), run.ExtentCount).AddTo(_dropped);
            Add(partition, log.LogStartOffset, decided.Added);
            if (partition.Cleaning is { } cleaning)
                (decided.CleanedUpTo, decided.DeleteHorizon) = (cleaning.UpToOffset, cleaning.DeleteHorizonMs);
            return PartitionRefusal.None;
        }

        private void Add(PartitionReplacement partition, long logStart, List<ExtentsReplaced.AddedExtent> added)
        {
            Extent? open = null;
            foreach (Extent extent in partition.Added)
            {
                if (extent.LastOffset < logStart)
                    continue;
                if (open is { } before && before.IsContinuedBy(extent))
                {
                    open = before.With(extent);
                    continue;
                }
                Close();
                open = extent;
            }
            Close();

            void Close()
            {
                if (open is not { } extent)
                    return;
                _used.Add(extent.ObjectId);
                added.Add(new ExtentsReplaced.AddedExtent
                {
                    Output = _outputs[extent.ObjectId],
                    BaseOffset = extent.BaseOffset,
                    OffsetCount = extent.LastOffset - extent.BaseOffset + 1,
                    Position = extent.Position,
                    Length = extent.Length,
                    MaxTimestamp = extent.MaxTimestamp,
                });
            }
        }

        private static Dictionary<ObjectId, int> IndexOf(IReadOnlyList<OutputObject> outputs)
        {
            var index = new Dictionary<ObjectId, int>();
            for (int i = 0; i < outputs.Count; i++)
                index[outputs[i].Id] = i;
            return index;
        }

        /// <summary>Whether the copies have the offsets of the originals, each once, and are in the outputs.</summary>
        private bool IsWellFormed(PartitionReplacement partition) =>
            partition.Added.All(extent => extent.Source == ExtentSource.Object && _outputs.ContainsKey(extent.ObjectId)
                && extent.Position >= 0 && extent.Length > 0)
            && Ranges(partition.Replaced) is { Count: > 0 } replaced
            && Ranges(partition.Added) is { } added
            && replaced.SequenceEqual(added);

        /// <summary>The offsets of extents as ranges without gaps between them; null if they are not in order.</summary>
        private static List<(long First, long Last)>? Ranges(IReadOnlyList<Extent> extents)
        {
            var ranges = new List<(long First, long Last)>();
            foreach (Extent extent in extents)
            {
                long last = ranges.Count == 0 ? -1 : ranges[^1].Last;
                if (extent.BaseOffset <= last || extent.LastOffset < extent.BaseOffset)
                    return null;
                if (ranges.Count > 0 && extent.BaseOffset == last + 1)
                    ranges[^1] = (ranges[^1].First, extent.LastOffset);
                else
                    ranges.Add((extent.BaseOffset, extent.LastOffset));
            }
            return ranges;
        }
    }
}

/// <summary>What <see cref="SwapRules"/> decided.</summary>
/// <param name="Refusal">Why the whole swap counts for nothing, or None.</param>
/// <param name="Answers">What becomes of each partition; those of the first time when the swap was seen before.</param>
/// <param name="Replaced">The event to journal, also when every partition is refused; null when there is nothing to.</param>
/// <param name="References">The objects that gain their first, or lose their last, extent of this shard.</param>
public sealed record SwapDecision(
    SwapRefusal Refusal, IReadOnlyList<PartitionRefusal> Answers, ExtentsReplaced? Replaced, IReadOnlyList<ObjectReference> References)
{
    internal static SwapDecision Refuse(SwapRefusal why) => new(why, [], null, []);
}

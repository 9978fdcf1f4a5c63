namespace Warp.Actors.Sequencing;

public sealed partial class SequencerState
{
    private readonly Dictionary<ObjectId, PartitionRefusal[]> _recentSwaps = [];
    private readonly Queue<(ObjectId Id, long TimeMs)> _recentSwapsByAge = new();

    /// <summary>The answers that a swap got, if it was made lately.</summary>
    public IReadOnlyList<PartitionRefusal>? FindSwap(ObjectId swapId) => _recentSwaps.GetValueOrDefault(swapId);

    /// <summary>Answers how the objects of some levels are used.</summary>
    public ObjectsReply DescribeObjects(SequencerMessage.DescribeObjects question, long epoch)
    {
        var liveBytes = new Dictionary<ObjectId, long>();
        foreach (PartitionLog log in _logs.Values)
        {
            foreach (Extent extent in log.Extents)
            {
                if (extent.Source == ExtentSource.Object)
                    liveBytes[extent.ObjectId] = liveBytes.GetValueOrDefault(extent.ObjectId) + extent.Length;
            }
        }
        List<ShardObject> found =
        [
            .. from pair in _objects
               where pair.Value.Level >= question.MinLevel && pair.Value.Level <= question.MaxLevel
               orderby pair.Key
               select new ShardObject(pair.Key, pair.Value.Level, pair.Value.SizeBytes, pair.Value.Extents, liveBytes[pair.Key]),
        ];
        bool isWhole = found.Count <= question.Limit;
        if (!isWhole)
            found.RemoveRange(question.Limit, found.Count - question.Limit);
        return new ObjectsReply(epoch, found, isWhole);
    }

    /// <summary>The extents that lie in some objects; those of a partition by offset.</summary>
    public List<PartitionExtent> FindExtents(IReadOnlySet<ObjectId> objects)
    {
        var found = new List<PartitionExtent>();
        foreach (PartitionLog log in _logs.Values)
        {
            foreach (Extent extent in log.Extents)
            {
                if (extent.Source == ExtentSource.Object && objects.Contains(extent.ObjectId))
                    found.Add(new PartitionExtent(log.Key, extent));
            }
        }
        return found;
    }

    private void Replace(ExtentsReplaced replaced)
    {
        TimeMs = Math.Max(TimeMs, replaced.Time);
        foreach (ExtentsReplaced.ReplacedPartition partition in replaced.Partitions)
        {
            if ((PartitionRefusal)partition.Refusal == PartitionRefusal.None)
                Replace(replaced, partition);
        }
        // Only now: an object that loses extents in one partition may keep, or get, some in another.
        Release(_droppedExtents);
        ForgetSwaps();
        Remember(
            replaced.SwapId.ToObjectId(), TimeMs, [.. replaced.Partitions.Select(static partition => (PartitionRefusal)partition.Refusal)]);
    }

    private void Replace(ExtentsReplaced replaced, ExtentsReplaced.ReplacedPartition partition)
    {
        var added = new Extent[partition.Added.Count];
        for (int i = 0; i < added.Length; i++)
        {
            ExtentsReplaced.AddedExtent extent = partition.Added[i];
            ExtentsReplaced.ReplacementOutput output = replaced.Outputs[extent.Output];
            ObjectId id = output.ObjectId.ToObjectId();
            added[i] = new Extent(extent.BaseOffset, extent.BaseOffset + extent.OffsetCount - 1, ExtentSource.Object,
                id, extent.Position, extent.Length, extent.MaxTimestamp);
            Use(id, output.SizeBytes, output.Level);
        }
        PartitionLog log = _logs[new TopicPartition(partition.TopicId, partition.Partition)];
        log.Replace([.. partition.Removed.Select(static run => (run.BaseOffset, run.ExtentCount))], added, _droppedExtents);
        if (partition.CleanedUpTo > 0)
            log.Cleaning = new LogCleaning(partition.CleanedUpTo, partition.DeleteHorizon);
    }

    private void Remember(ObjectId swapId, long timeMs, PartitionRefusal[] answers)
    {
        _recentSwaps.Add(swapId, answers);
        _recentSwapsByAge.Enqueue((swapId, timeMs));
    }

    /// <summary>Answers are needed only as long as a late swap could still be accepted.</summary>
    private void ForgetSwaps()
    {
        while (_recentSwapsByAge.TryPeek(out (ObjectId Id, long TimeMs) oldest) && oldest.TimeMs < TimeMs - _answerMemoryMs)
            _recentSwaps.Remove(_recentSwapsByAge.Dequeue().Id);
    }
}

using Warp.Actors.Persistence;

namespace Warp.Actors.Sequencing;

public sealed partial class SequencerState
{
    /// <summary>The state as a message that <see cref="Restore(SequencerSnapshot)"/> takes.</summary>
    /// <param name="version">
    /// In which it will be written. Version 0 is a copy and has the objects elsewhere; what is large in the others is still in the state, so
    /// they must be written before that changes.
    /// </param>
    public SequencerSnapshot ToSnapshot(short version = SequencerSnapshot.HighestVersion) => new()
    {
        Time = TimeMs,
        ObjectTable = version > 0 ? ObjectsToSnapshot() : [],
        Objects = version > 0 ? [] : ObjectsToSnapshot(),
        Partitions =
        [
            .. _logs.Values.OrderBy(static log => (log.Key.TopicId, log.Key.Partition))
                .Select(log => ToSnapshot(log, isCopy: version == 0)),
        ],
        DeletedTopics = [.. _deletedByAge.Select(static entry => new SequencerSnapshot.DeletedTopicSnapshot { TopicId = entry.Id, Time = entry.TimeMs })],
        Nodes = [.. _nodes.Select(static pair => new SequencerSnapshot.NodeCommitsSnapshot
        {
            NodeId = pair.Key.NodeId,
            Incarnation = pair.Key.Incarnation,
            LastNumber = pair.Value.LastNumber,
            Time = pair.Value.TimeMs,
        })],
        RecentCommits = [.. _recentByAge.Select(commit => ToSnapshot(commit, isCopy: version == 0))],
        RecentSwaps = [.. _recentSwapsByAge.Select(entry => new SequencerSnapshot.RecentSwapSnapshot
        {
            SwapId = entry.Id.ToGuid(),
            Time = entry.TimeMs,
            Refusals = [.. _recentSwaps[entry.Id].Select(static refusal => (sbyte)refusal)],
        })],
    };

    private List<SequencerSnapshot.ObjectSnapshot> ObjectsToSnapshot() =>
        [.. _objects.OrderBy(static pair => pair.Key).Select(static pair => new SequencerSnapshot.ObjectSnapshot
        {
            ObjectId = pair.Key.ToGuid(),
            SizeBytes = pair.Value.SizeBytes,
            Level = (sbyte)pair.Value.Level,
        })];

    /// <summary>Fills a fresh state.</summary>
    public void Restore(SequencerSnapshot snapshot)
    {
        TimeMs = snapshot.Time;
        foreach (SequencerSnapshot.ObjectSnapshot entry in snapshot.ObjectTable.Concat(snapshot.Objects))
            _objects.Add(entry.ObjectId.ToObjectId(), new ObjectUse(entry.SizeBytes, entry.Level, 0));
        foreach (SequencerSnapshot.PartitionSnapshot entry in snapshot.Partitions)
            Restore(entry);
        foreach (SequencerSnapshot.DeletedTopicSnapshot entry in snapshot.DeletedTopics)
        {
            _deletedTopics.Add(entry.TopicId);
            _deletedByAge.Enqueue((entry.TopicId, entry.Time));
        }
        foreach (SequencerSnapshot.NodeCommitsSnapshot entry in snapshot.Nodes)
            _nodes.Add(new NodeIncarnation(entry.NodeId, entry.Incarnation), new NodeCommits(entry.LastNumber, entry.Time));
        foreach (SequencerSnapshot.RecentCommitSnapshot entry in snapshot.RecentCommits)
        {
            var recent = new RecentCommit(entry.ObjectId.ToObjectId(), entry.Time, entry.BatchCount);
            foreach (SequencerSnapshot.AnswerSnapshot answer in entry.Answers)
                recent.Set(answer.Index, answer.Error, answer.BaseOffset);
            Remember(recent);
        }
        foreach (SequencerSnapshot.RecentSwapSnapshot entry in snapshot.RecentSwaps)
            Remember(entry.SwapId.ToObjectId(), entry.Time, [.. entry.Refusals.Select(static refusal => (PartitionRefusal)refusal)]);
    }

    private void Restore(SequencerSnapshot.PartitionSnapshot entry)
    {
        var log = new PartitionLog(new TopicPartition(entry.TopicId, entry.Partition));
        log.RestoreEnds(entry.LogStartOffset, entry.NextOffset);
        log.Cleaning = new LogCleaning(entry.CleanedUpTo, entry.DeleteHorizon);
        foreach (SequencerSnapshot.ExtentSnapshot extent in entry.Extents)
        {
            ObjectId objectId = extent.ObjectId.ToObjectId();
            log.RestoreExtent(extent.ToExtent());
            _objects[objectId] = _objects[objectId] with { Extents = _objects[objectId].Extents + 1 };
        }
        foreach (SequencerSnapshot.ProducerSnapshot producer in entry.Producers)
        {
            ref ProducerState state = ref log.ProducerRef(producer.ProducerId);
            foreach (SequencerSnapshot.ProducerBatchSnapshot batch in producer.Batches)
                state.Append(producer.Epoch, batch.FirstSequence, batch.LastSequence, batch.BaseOffset, producer.LastWrite);
        }
        _logs.Add(log.Key, log);
    }

    private static SequencerSnapshot.PartitionSnapshot ToSnapshot(PartitionLog log, bool isCopy)
    {
        var snapshot = new SequencerSnapshot.PartitionSnapshot
        {
            TopicId = log.Key.TopicId,
            Partition = log.Key.Partition,
            LogStartOffset = log.LogStartOffset,
            NextOffset = log.NextOffset,
            CleanedUpTo = log.Cleaning.UpToOffset,
            DeleteHorizon = log.Cleaning.DeleteHorizonMs,
            Log = isCopy ? null : log,
        };
        foreach (Extent extent in isCopy ? log.Extents : default)
            snapshot.Extents.Add(SequencerSnapshot.ExtentSnapshot.Of(extent));
        foreach ((long id, ProducerState state) in log.Producers)
        {
            var producer = new SequencerSnapshot.ProducerSnapshot { ProducerId = id, Epoch = state.Epoch, LastWrite = state.LastWriteMs };
            for (int i = 0; i < state.Count; i++)
            {
                producer.Batches.Add(new SequencerSnapshot.ProducerBatchSnapshot
                {
                    FirstSequence = state[i].FirstSequence,
                    LastSequence = state[i].LastSequence,
                    BaseOffset = state[i].BaseOffset,
                });
            }
            snapshot.Producers.Add(producer);
        }
        return snapshot;
    }

    private static SequencerSnapshot.RecentCommitSnapshot ToSnapshot(RecentCommit recent, bool isCopy)
    {
        var snapshot = new SequencerSnapshot.RecentCommitSnapshot
        {
            ObjectId = recent.Id.ToGuid(),
            Time = recent.TimeMs,
            BatchCount = recent.Count,
            Commit = isCopy ? null : recent,
        };
        for (int i = 0; isCopy && i < recent.Count; i++)
        {
            if (recent.AnswerOf(i) is { } answer)
                snapshot.Answers.Add(new SequencerSnapshot.AnswerSnapshot { Index = i, Error = answer.Error, BaseOffset = answer.BaseOffset });
        }
        return snapshot;
    }
}

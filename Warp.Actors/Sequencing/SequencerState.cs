using System.Runtime.InteropServices;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Sequencing;

/// <summary>
/// All that the sequencer of one shard knows, as the fold of its events. No clock, no I/O: the times in it come from the events. Used by
/// its sequencer only.
/// </summary>
/// <param name="answerMemory">How long the answers to a commit are remembered: the commit deadline and then some.</param>
public sealed partial class SequencerState(TimeSpan answerMemory)
{
    private readonly Dictionary<TopicPartition, PartitionLog> _logs = [];
    private readonly Dictionary<ObjectId, ObjectUse> _objects = [];
    private readonly HashSet<Guid> _deletedTopics = [];
    private readonly Queue<(Guid Id, long TimeMs)> _deletedByAge = new();
    private readonly Dictionary<NodeIncarnation, NodeCommits> _nodes = [];
    private readonly Dictionary<ObjectId, RecentCommit> _recent = [];
    private readonly Queue<RecentCommit> _recentByAge = new();
    private readonly List<Extent> _droppedExtents = [];
    private readonly long _answerMemoryMs = (long)answerMemory.TotalMilliseconds;

    public IReadOnlyCollection<PartitionLog> Logs => _logs.Values;

    /// <summary>Objects in which this shard has extents.</summary>
    public IReadOnlyDictionary<ObjectId, ObjectUse> Objects => _objects;

    /// <summary>The latest time of an event so far, in ms. All that is remembered for a while is kept by it, so it never goes back.</summary>
    public long TimeMs { get; private set; }

    public PartitionLog? Find(TopicPartition partition) => _logs.GetValueOrDefault(partition);

    /// <summary>Whether the topic was deleted lately; a late message must not bring it back.</summary>
    public bool IsDeleted(Guid topicId) => _deletedTopics.Contains(topicId);

    /// <summary>The number of the node's last commit, 0 when it has none.</summary>
    public long LastCommitOf(NodeIncarnation node) => _nodes.GetValueOrDefault(node).LastNumber;

    /// <summary>The answers that a commit got, if it was made lately.</summary>
    public RecentCommit? FindCommit(ObjectId id) => _recent.GetValueOrDefault(id);

    /// <summary>Folds an event.</summary>
    public void Apply(IEvent @event)
    {
        switch (@event)
        {
            case PartitionsOpened opened:
                TimeMs = Math.Max(TimeMs, opened.Time);
                foreach (int partition in opened.Partitions)
                    _logs.TryAdd(new TopicPartition(opened.TopicId, partition), new PartitionLog(new TopicPartition(opened.TopicId, partition)));
                break;
            case PartitionsDeleted deleted:
                Delete(deleted);
                break;
            case ObjectCommitted committed:
                Commit(committed);
                break;
            case ExtentsReplaced replaced:
                Replace(replaced);
                break;
            case LogStartAdvanced advanced:
                TimeMs = Math.Max(TimeMs, advanced.Time);
                _logs[new TopicPartition(advanced.TopicId, advanced.Partition)].AdvanceStart(advanced.LogStartOffset, _droppedExtents);
                Release(_droppedExtents);
                break;
            case ProducersExpired expired:
                TimeMs = Math.Max(TimeMs, expired.Time);
                foreach (PartitionLog log in _logs.Values)
                    log.ExpireProducers(expired.Cutoff);
                break;
            default:
                throw new InvalidDataException($"A sequencer has no use for {@event.GetType().Name}.");
        }
    }

    /// <summary>The objects that would lose their last extent if these were dropped.</summary>
    public List<ObjectReference> ReferencesDroppedWith(ReadOnlySpan<Extent> extents)
    {
        var counts = new Dictionary<ObjectId, int>();
        foreach (ref readonly Extent extent in extents)
        {
            if (extent.Source == ExtentSource.Object)
                counts[extent.ObjectId] = counts.GetValueOrDefault(extent.ObjectId) + 1;
        }
        var references = new List<ObjectReference>();
        foreach ((ObjectId id, int count) in counts)
        {
            if (_objects[id] is var use && use.Extents == count)
                references.Add(new ObjectReference(id, use.SizeBytes, use.Level, ReferenceChange.Drop));
        }
        return references;
    }

    private void Delete(PartitionsDeleted deleted)
    {
        TimeMs = Math.Max(TimeMs, deleted.Time);
        if (_deletedTopics.Add(deleted.TopicId))
            _deletedByAge.Enqueue((deleted.TopicId, TimeMs));
        foreach (PartitionLog log in _logs.Values.Where(log => log.Key.TopicId == deleted.TopicId).ToList())
        {
            log.Extents.AddTo(_droppedExtents);
            _logs.Remove(log.Key);
        }
        Release(_droppedExtents);
        ForgetTombstones();
    }

    private void Commit(ObjectCommitted committed)
    {
        TimeMs = Math.Max(TimeMs, committed.Time);
        ObjectId objectId = committed.ObjectId.ToObjectId();
        var node = new NodeIncarnation(committed.NodeId, committed.Incarnation);
        if (committed.Number > 0)
            _nodes[node] = new NodeCommits(committed.Number, TimeMs);
        if (!_recent.TryGetValue(objectId, out RecentCommit? recent))
        {
            recent = new RecentCommit(objectId, TimeMs, committed.BatchCount);
            Remember(recent);
        }
        PartitionLog? log = null;
        foreach (ref readonly ObjectCommitted.CommittedBatch batch in CollectionsMarshal.AsSpan(committed.Batches))
        {
            recent.Set(batch.Index, batch.Error, batch.BaseOffset);
            if (batch.Error != ErrorCode.None || batch.Duplicate)
                continue;
            if (log?.Key != batch.Key)
                log = _logs[batch.Key];
            Append(log!, objectId, committed, batch);
        }
        ForgetCommits(node);
        ForgetSwaps();
        ForgetTombstones();
    }

    private void Append(PartitionLog log, ObjectId objectId, ObjectCommitted committed, in ObjectCommitted.CommittedBatch batch)
    {
        var extent = new Extent(
            batch.BaseOffset, batch.BaseOffset + batch.OffsetCount - 1, ExtentSource.Object, objectId, batch.Position, batch.Length, batch.MaxTimestamp);
        if (log.Append(extent))
            Use(objectId, committed.ObjectSize, committed.Level);
        if (batch.ProducerId >= 0)
        {
            int last = ProducerState.LastSequence(batch.BaseSequence, batch.OffsetCount);
            log.ProducerRef(batch.ProducerId).Append(batch.ProducerEpoch, batch.BaseSequence, last, batch.BaseOffset, TimeMs);
        }
    }

    /// <summary>Counts one more extent in an object.</summary>
    private void Use(ObjectId id, long sizeBytes, int level)
    {
        ref ObjectUse use = ref CollectionsMarshal.GetValueRefOrAddDefault(_objects, id, out bool known);
        use = known ? use with { Extents = use.Extents + 1 } : new ObjectUse(sizeBytes, level, 1);
    }

    private void Remember(RecentCommit commit)
    {
        _recent.Add(commit.Id, commit);
        _recentByAge.Enqueue(commit);
    }

    private void Release(List<Extent> dropped)
    {
        foreach (Extent extent in dropped)
        {
            if (extent.Source != ExtentSource.Object)
                continue;
            ref ObjectUse use = ref CollectionsMarshal.GetValueRefOrNullRef(_objects, extent.ObjectId);
            use = use with { Extents = use.Extents - 1 };
            if (use.Extents == 0)
                _objects.Remove(extent.ObjectId);
        }
        dropped.Clear();
    }

    /// <summary>Answers are needed only as long as a late commit could still be accepted.</summary>
    private void ForgetCommits(NodeIncarnation committer)
    {
        long cutoff = TimeMs - _answerMemoryMs;
        bool any = false;
        while (_recentByAge.TryPeek(out RecentCommit? oldest) && oldest.TimeMs < cutoff)
        {
            _recent.Remove(_recentByAge.Dequeue().Id);
            any = true;
        }
        if (!any)
            return;
        foreach ((NodeIncarnation node, NodeCommits commits) in _nodes)
        {
            // A node that only was quiet keeps its number; a later incarnation starts over anyway.
            if (commits.TimeMs < cutoff && node.NodeId == committer.NodeId && node.Incarnation < committer.Incarnation)
                _nodes.Remove(node);
        }
    }

    /// <summary>A deleted topic's id is needed as long as a late message could bring it back.</summary>
    private void ForgetTombstones()
    {
        while (_deletedByAge.TryPeek(out (Guid Id, long TimeMs) oldest) && oldest.TimeMs < TimeMs - _answerMemoryMs)
            _deletedTopics.Remove(_deletedByAge.Dequeue().Id);
    }

    /// <summary>How an object is used by this shard.</summary>
    public readonly record struct ObjectUse(long SizeBytes, int Level, int Extents);

    private readonly record struct NodeCommits(long LastNumber, long TimeMs);
}

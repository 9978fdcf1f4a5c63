using System.Runtime.InteropServices;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Sequencing;

/// <summary>
/// The persistent actor that owns the partitions of one shard: it gives record batches their offsets, and knows where the bytes of each
/// offset lie. A thin shell: the rules are in <see cref="CommitRules"/>, the state in <see cref="SequencerState"/>.
/// </summary>
public sealed partial class Sequencer : PersistentActor<SequencerMessage>
{
    /// <summary>How often producers that no longer write are looked for, 144 times in their day.</summary>
    private static readonly TimeSpan s_expiryPeriod = TimeSpan.FromMinutes(10);

    private static readonly EventCodec s_codec = new(EventSpecs.All);

    private readonly SequencerState _state;
    private readonly HeldBatches _held = new();
    private readonly Dictionary<TopicPartition, List<Watching>> _watchers = [];

    public Sequencer(PersistenceServices services, int shardId)
        : base(services, s_codec, SequencerHistory.PersistenceIdOf(shardId), shardId)
    {
        _state = new SequencerState(services.Times.CommitDeadline + services.Times.AnswerMemory);
        _committed = [_rules.Committed];
        _commitWritten = CommitWritten;
        _commitRefused = CommitRefused;
    }

    private DateTimeOffset Now => Services.Leases.Clock.Now;

    protected internal override ValueTask StopAsync()
    {
        _held.FailAll(new ActorStoppedException(PersistenceId));
        foreach (Watching watching in _watchers.Values.SelectMany(static list => list))
            watching.Watcher.Signal();
        return base.StopAsync();
    }

    protected override void Recovered() =>
        Every(s_expiryPeriod, () => Self.Tell(new SequencerMessage.ExpireProducers(Now - Services.Times.ProducerExpiration)));

    protected override bool IsCommand(SequencerMessage message) => message is SequencerMessage.Command;

    protected override void Apply(IEvent @event) => _state.Apply(@event);

    protected override ReadOnlyMemory<byte> TakeSnapshot()
    {
        short version = Math.Min(SequencerSnapshot.HighestVersion, Services.HighestVersion);
        return EventCodec.EncodeSnapshot(_state.ToSnapshot(version), version);
    }

    protected override void RestoreSnapshot(ReadOnlyMemory<byte> snapshot) =>
        _state.Restore(EventCodec.DecodeSnapshot(PersistenceId, snapshot, SequencerSnapshot.HighestVersion, SequencerSnapshot.Read));

    protected override void Handle(SequencerMessage message)
    {
        if (message is SequencerMessage.Commit commit)
            Commit(commit);
        else
            HandleOther(message);
    }

    /// <summary>Apart from commits, which are most messages, because this takes a closure.</summary>
    private void HandleOther(SequencerMessage message)
    {
        switch (message)
        {
            case SequencerMessage.ReplaceExtents replace:
                Replace(replace);
                break;
            case SequencerMessage.RetryHeld retry:
                RetryHeld(retry);
                break;
            case SequencerMessage.OpenPartitions open:
                Open(open);
                break;
            case SequencerMessage.DeleteTopic delete:
                Delete(delete);
                break;
            case SequencerMessage.DeleteRecords delete:
                Delete(delete);
                break;
            case SequencerMessage.ApplyRetention retain:
                Retain(retain);
                break;
            case SequencerMessage.ExpireProducers expire:
                Expire(expire);
                break;
            case SequencerMessage.ReadExtents read:
                // Past the known end the reader may know better than an owner that has not heard of its successor.
                WhenOwner(_state.IsBeyondEnd(read.Reads), () => read.Reply.Set(new ReadExtentsReply(Fence.Epoch, _state.Read(read.Reads))), read);
                break;
            case SequencerMessage.DescribeLogs describe:
                WhenOwner(prove: false, () => describe.Reply.Set([.. describe.Partitions.Select(partition => LogEnds.Of(_state.Find(partition)))]), describe);
                break;
            case SequencerMessage.DescribeProducers describe:
                WhenOwner(
                    prove: false,
                    () => describe.Reply.Set([.. describe.Partitions.Select(key => PartitionProducers.Of(_state.Find(key)))]),
                    describe);
                break;
            case SequencerMessage.DescribeObjects describe:
                WhenOwner(prove: false, () => describe.Reply.Set(_state.DescribeObjects(describe, Fence.Epoch)), describe);
                break;
            case SequencerMessage.FindCleanable find:
                WhenOwner(
                    prove: false,
                    () => find.Reply.Set(CleaningRules.Find(_state, find.Policies, find.Except, Now.ToUnixTimeMilliseconds())),
                    find);
                break;
            case SequencerMessage.FindExtents find:
                WhenOwner(prove: false, () => find.Reply.Set(new FindExtentsReply(Fence.Epoch, _state.FindExtents(find.Objects))), find);
                break;
            case SequencerMessage.FindTimestamp find:
                WhenOwner(prove: false, () => find.Reply.Set(_state.FindTimestamp(find.Partition, find.Timestamp)), find);
                break;
            case SequencerMessage.Watch watch:
                Watch(watch);
                break;
        }
    }

    private void Open(SequencerMessage.OpenPartitions open)
    {
        if (_state.IsDeleted(open.TopicId))
        {
            WhenOwner(prove: false, () => open.Reply.Set(ErrorCode.UnknownTopicOrPartition), open);
            return;
        }
        List<int> missing = [.. open.Partitions.Where(partition => _state.Find(new TopicPartition(open.TopicId, partition)) is null)];
        if (missing.Count == 0)
        {
            WhenOwner(prove: false, () => open.Reply.Set(ErrorCode.None), open);
            return;
        }
        var opened = new PartitionsOpened { Time = Now.ToUnixTimeMilliseconds(), TopicId = open.TopicId, Partitions = missing };
        Persist(open, new Changes([opened]), () => open.Reply.Set(ErrorCode.None), _ => open.Reply.Set(ErrorCode.KafkaStorageError));
    }

    private void Delete(SequencerMessage.DeleteTopic delete)
    {
        if (_state.IsDeleted(delete.TopicId))
        {
            WhenOwner(prove: false, () => delete.Reply.Set(ErrorCode.None), delete);
            return;
        }
        if (DropFirstOf(delete))
            return;
        List<PartitionLog> logs = [.. _state.Logs.Where(log => log.Key.TopicId == delete.TopicId)];
        var dropped = new List<Extent>();
        foreach (PartitionLog log in logs)
            log.Extents.AddTo(dropped);
        var changes = new Changes([new PartitionsDeleted { Time = Now.ToUnixTimeMilliseconds(), TopicId = delete.TopicId }])
        {
            References = _state.ReferencesDroppedWith(CollectionsMarshal.AsSpan(dropped)),
        };
        Persist(delete, changes, Done, _ => delete.Reply.Set(ErrorCode.KafkaStorageError));

        void Done()
        {
            foreach (PartitionLog log in logs)
                SignalWatchers(log.Key);
            delete.Reply.Set(ErrorCode.None);
        }
    }

    private void Delete(SequencerMessage.DeleteRecords delete)
    {
        if (_state.Find(delete.Partition) is not { } log)
        {
            Unchanged(new DeleteRecordsReply(ErrorCode.UnknownTopicOrPartition, -1));
            return;
        }
        long offset = delete.BeforeOffset == -1 ? log.NextOffset : delete.BeforeOffset;
        if (offset < 0 || offset > log.NextOffset)
        {
            Unchanged(new DeleteRecordsReply(ErrorCode.OffsetOutOfRange, -1));
            return;
        }
        if (offset <= log.LogStartOffset)
        {
            Unchanged(new DeleteRecordsReply(ErrorCode.None, log.LogStartOffset));
            return;
        }
        Extent[] dropped = log.Extents[..log.FindExtent(offset)].ToArray();
        var advanced = new LogStartAdvanced
        {
            Time = Now.ToUnixTimeMilliseconds(),
            TopicId = delete.Partition.TopicId,
            Partition = delete.Partition.Partition,
            LogStartOffset = offset,
        };
        var changes = new Changes([advanced]) { References = _state.ReferencesDroppedWith(dropped) };
        Persist(delete, changes, () => delete.Reply.Set(new DeleteRecordsReply(ErrorCode.None, log.LogStartOffset)),
            _ => delete.Reply.Set(new DeleteRecordsReply(ErrorCode.KafkaStorageError, -1)));

        void Unchanged(DeleteRecordsReply reply) => WhenOwner(prove: false, () => delete.Reply.Set(reply), delete);
    }

    private void Expire(SequencerMessage.ExpireProducers expire)
    {
        long cutoff = expire.Cutoff.ToUnixTimeMilliseconds();
        if (!_state.Logs.Any(log => log.Producers.Values.Any(producer => producer.LastWriteMs < cutoff)))
            return;
        var expired = new ProducersExpired { Time = Now.ToUnixTimeMilliseconds(), Cutoff = cutoff };
        Persist(expire, new Changes([expired]), static () => { }, static _ => { });
    }

    private void Watch(SequencerMessage.Watch watch)
    {
        foreach ((TopicPartition partition, long offset) in watch.Partitions)
        {
            if (_state.Find(partition) is not { } log || log.NextOffset > offset)
            {
                watch.Watcher.Signal();
                return;
            }
        }
        foreach ((TopicPartition partition, long offset) in watch.Partitions)
        {
            if (!_watchers.TryGetValue(partition, out List<Watching>? list))
                _watchers.Add(partition, list = []);
            list.RemoveAll(static watching => watching.Watcher.IsDone);
            list.Add(new Watching(offset, watch.Watcher));
        }
    }

    private void SignalWatchers(TopicPartition partition)
    {
        if (_watchers.TryGetValue(partition, out List<Watching>? list))
            SignalWatchers(partition, list);
    }

    private void SignalWatchers(TopicPartition partition, List<Watching> list)
    {
        long end = _state.Find(partition)?.NextOffset ?? long.MaxValue;
        list.RemoveAll(watching =>
        {
            if (watching.Offset < end)
                watching.Watcher.Signal();
            return watching.Offset < end || watching.Watcher.IsDone;
        });
        if (list.Count == 0)
            _watchers.Remove(partition);
    }

    private readonly record struct Watching(long Offset, IPartitionWatcher Watcher);
}

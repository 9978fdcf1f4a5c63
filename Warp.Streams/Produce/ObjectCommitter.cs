using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Warp.Actors.Cluster;
using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Streams.Produce;

/// <summary>
/// Commits this node's flushes to one shard, one after the other in the order in which they were gathered: the next goes out only when the
/// outcome of the one before is final (the architecture's rules 6 and 7). Its methods are called in the turns of the flush pipeline.
/// </summary>
internal sealed class ObjectCommitter
{
    /// <summary>What a client is told of a batch that is not, and never will be, in the log. Clients send it again by themselves.</summary>
    private const ErrorCode FailedForGood = ErrorCode.KafkaStorageError;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly ActorSystem _system;
    private readonly ActorRef<SequencerMessage> _sequencer;
    private readonly ShardLeases _leases;
    private readonly ILogger _log;
    private readonly Func<TimeSpan> _now;
    private readonly Action<Action> _post;
    private readonly Action _answered;
    private readonly Action<Reply<CommitReply>> _replied;
    private readonly Action _takeReplies;
    private readonly ConcurrentQueue<Reply<CommitReply>> _replies = new();
    private readonly Queue<CommitSlot> _slots = new();
    private readonly ProducerGate _gate;
    private readonly Backoff _backoff;
    private readonly HashSet<PendingBatch> _held = [];

    // The commit that is under way, if there are batches of it, and the question, unless that was given up.
    private ArraySegment<PendingBatch> _committing = ArraySegment<PendingBatch>.Empty;
    private ObjectCommit? _commit;
    private Reply<CommitReply>? _asked;
    private TimeSpan _askedAt;

    private bool _isLooking;
    private long _lastNumber;
    private long _lastCommitted;

    /// <param name="system">Clock and scheduler.</param>
    /// <param name="sequencer">The shard's.</param>
    /// <param name="leases">This node's incarnation.</param>
    /// <param name="times">How long a failed batch is waited for.</param>
    /// <param name="log">Where refusals are noted.</param>
    /// <param name="now">The pipeline's time.</param>
    /// <param name="post">Runs something as a turn of the pipeline.</param>
    /// <param name="answered">Called in the turns in which batches have been answered.</param>
    public ObjectCommitter(
        ActorSystem system,
        ActorRef<SequencerMessage> sequencer,
        ShardLeases leases,
        TimeConstants times,
        ILogger log,
        Func<TimeSpan> now,
        Action<Action> post,
        Action answered)
    {
        _system = system;
        _sequencer = sequencer;
        _leases = leases;
        _log = log;
        _now = now;
        _post = post;
        _answered = answered;
        _replied = reply =>
        {
            _replies.Enqueue(reply);
            _post(_takeReplies!);
        };
        _takeReplies = TakeReplies;
        _gate = new ProducerGate(times.CommitDeadline);
        _backoff = new Backoff(TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(1), system.CreateRandom());
    }

    /// <summary>Whether every batch has been answered.</summary>
    public bool IsIdle => _slots.Count == 0 && _committing.Count == 0 && _held.Count == 0;

    /// <summary>Takes a place in the order, before the object is even encoded.</summary>
    public void Enqueue(in CommitSlot slot) => _slots.Enqueue(slot);

    /// <summary>Commits what is ready, as far as nothing before it is under way.</summary>
    public void Pump()
    {
        while (_committing.Count == 0 && _slots.TryPeek(out CommitSlot slot) && slot.Flush.State != FlushState.Waiting)
        {
            _slots.Dequeue();
            if (slot.Flush.State == FlushState.Durable)
            {
                Commit(slot);
                continue;
            }
            foreach (PendingBatch batch in slot.Batches)
                Fail(batch);
        }
    }

    /// <summary>To be called every second or so: a commit that has no answer for too long is asked for again.</summary>
    public void AskAgainIfOverdue()
    {
        if (_asked is null || _now() - _askedAt < s_patience)
            return;
        _log.LogWarning("The commit of {Object} has no answer yet; asking again", _commit!.ObjectId);
        KeepFromReuse(_committing);
        AskSlowly();
    }

    /// <summary>
    /// Fails what has no answer yet, when the pipeline ends. A commit that is under way may succeed all the same; nobody here will
    /// learn it, and the sequencer knows the batches when they are sent again.
    /// </summary>
    public void Abandon()
    {
        IEnumerable<PendingBatch> waiting = _slots.SelectMany(static slot => slot.Batches);
        foreach (PendingBatch batch in _committing.Concat(_held).Concat(waiting))
            batch.Abandon();
    }

    private void Commit(in CommitSlot slot)
    {
        ArraySegment<PendingBatch> admitted = Admitted(slot.Batches);
        if (admitted.Count == 0)
            return;
        _commit = new ObjectCommit
        {
            ObjectId = slot.Flush.ObjectId,
            SizeBytes = slot.Flush.SizeBytes,
            Node = _leases.Node,
            Number = ++_lastNumber,
            PreviousNumber = _lastCommitted,
            Batches = new BatchesToCommit(admitted),
        };
        _committing = admitted;
        _askedAt = _now();
        _asked = new Reply<CommitReply>(_replied);
        if (!_sequencer.TryTell(new SequencerMessage.Commit(_commit, _asked)))
            AskSlowly();
    }

    private void TakeReplies()
    {
        while (_replies.TryDequeue(out Reply<CommitReply>? reply))
        {
            if (reply != _asked)
                continue; // it came so late that it was asked for again
            if (reply.Error is null)
                Finish(reply.Value!);
            else
                AskSlowly();
        }
        _answered();
    }

    private void AskSlowly()
    {
        _asked = null;
        _ = CommitSlowAsync(_commit!, _committing);
    }

    /// <summary>A question without an answer may still lie somewhere, and its batches be looked at when they are answered.</summary>
    private static void KeepFromReuse(ArraySegment<PendingBatch> batches)
    {
        foreach (PendingBatch batch in batches)
            batch.Request?.KeepFromReuse();
    }

    /// <summary>Fails what must not be committed yet; what is left is mostly everything.</summary>
    private ArraySegment<PendingBatch> Admitted(ArraySegment<PendingBatch> batches)
    {
        if (_gate.IsOpen)
            return batches;
        var admitted = new List<PendingBatch>(batches.Count);
        var refused = new HashSet<TopicPartition>();
        foreach (PendingBatch batch in batches)
        {
            if (_gate.Admits(batch, _now(), out ErrorCode error))
            {
                admitted.Add(batch);
                continue;
            }
            refused.Add(batch.Partition);
            batch.Fail(error);
        }
        if (refused.Count > 0 && !_isLooking)
        {
            _isLooking = true;
            _ = LookAsync([.. refused]);
        }
        return admitted.ToArray();
    }

    /// <summary>
    /// What failed here may have been sent again by way of another node, and have succeeded there; then its producer, if it comes back here, must
    /// not be kept waiting. Meanwhile it tries again by itself.
    /// </summary>
    private async Task LookAsync(IReadOnlyList<TopicPartition> partitions)
    {
        IReadOnlyList<PartitionProducers> found = [];
        try
        {
            found = await _sequencer.AskAsync<IReadOnlyList<PartitionProducers>>(
                answer => new SequencerMessage.DescribeProducers(partitions, answer), s_patience, _system.Stopping);
        }
        catch (Exception error) when (error is TimeoutException or ActorStoppedException or OperationCanceledException)
        {
            // The next batch that is refused has it look again.
        }
        finally
        {
            _post(() =>
            {
                _isLooking = false;
                for (int i = 0; i < found.Count; i++)
                {
                    foreach (ActiveProducer producer in found[i].Producers)
                        _gate.Seen(partitions[i], producer.ProducerId, producer.Epoch, producer.LastSequence);
                }
            });
        }
    }

    /// <summary>
    /// Asks until there is an answer: a commit whose outcome is not known is repeated, and a repeated one gets its first answer.
    /// </summary>
    private async Task CommitSlowAsync(ObjectCommit commit, ArraySegment<PendingBatch> batches)
    {
        CommitReply reply;
        while (true)
        {
            try
            {
                reply = await _sequencer.AskAsync<CommitReply>(
                    answer => new SequencerMessage.Commit(commit, answer), s_patience, CancellationToken.None);
                break;
            }
            catch (Exception error) when (error is TimeoutException or ActorStoppedException)
            {
                if (_system.Stopping.IsCancellationRequested)
                {
                    // The pipeline is gone, and its batches have been answered.
                    return;
                }
                KeepFromReuse(batches);
                _log.LogWarning("The commit of {Object} has no answer yet ({Error}); asking again", commit.ObjectId, error.Message);
                await Task.Delay(_backoff.Next(), _system.Time, CancellationToken.None);
            }
        }
        _backoff.Reset();
        _post(() =>
        {
            Finish(reply);
            _answered();
        });
    }

    private void Finish(CommitReply reply)
    {
        (ObjectCommit commit, ArraySegment<PendingBatch> batches) = (_commit!, _committing);
        _asked = null;
        _commit = null;
        _committing = ArraySegment<PendingBatch>.Empty;
        if (reply.Refusal == CommitRefusal.None)
        {
            _lastCommitted = commit.Number;
            for (int i = 0; i < batches.Count; i++)
                Answer(batches[i], reply.Batches[i]);
            (reply.Batches as IDisposable)?.Dispose();
        }
        else
        {
            _log.LogWarning("The commit of {Object} was refused: {Refusal}", commit.ObjectId, reply.Refusal);
            foreach (PendingBatch batch in batches)
                Fail(batch);
        }
        Pump();
    }

    private void Answer(PendingBatch batch, in BatchOutcome outcome)
    {
        if (outcome.Held is { } held)
        {
            _held.Add(batch);
            _ = AwaitHeldAsync(batch, held);
        }
        else
        {
            batch.Set(outcome.Answer);
        }
    }

    private async Task AwaitHeldAsync(PendingBatch batch, Task<BatchAnswer> held)
    {
        BatchAnswer answer;
        try
        {
            answer = await held;
        }
        catch (ActorStoppedException)
        {
            // It was in the sequencer's memory only, and is gone for good.
            answer = BatchAnswer.Failed(FailedForGood);
        }
        _post(() => AnswerHeld(batch, answer));
    }

    private void AnswerHeld(PendingBatch batch, in BatchAnswer answer)
    {
        _held.Remove(batch);
        if (answer.Error == FailedForGood)
            Fail(batch);
        else
            batch.Set(answer);
        _answered();
    }

    private void Fail(PendingBatch batch)
    {
        _gate.Failed(batch, FailedForGood, _now());
        batch.Fail(FailedForGood);
    }
}

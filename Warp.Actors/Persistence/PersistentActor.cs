using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Actors.Persistence;

/// <summary>
/// An actor whose state is the fold of its journaled events. It recovers from its snapshot and the events after it, decides events for a
/// command, and changes its state and answers only when the journal has them. While a write is under way further commands wait, and
/// questions are answered from the state that is journaled.
/// </summary>
/// <remarks>
/// A write that is refused for a reason of its own fails its command alone. A lost fence or an unknown outcome ends this instance: the next
/// one reads the journal (after raising the epoch, when the outcome was unknown), so nothing is ever answered from a guess.
/// </remarks>
public abstract class PersistentActor<TMessage> : Actor<TMessage>
    where TMessage : class
{
    /// <summary>A snapshot is worth writing when so many times its predecessor's bytes have gathered in events.</summary>
    private const int EventsPerSnapshot = 2;

    /// <summary>Memory for events that is kept for the next; sequencers need some hundred bytes.</summary>
    private const int KeptPayloadBytes = 64 * 1024;

    private readonly PersistenceServices _services;
    private readonly EventCodec _codec;
    private readonly HashSet<IAsk> _unproven = new(ReferenceEqualityComparer.Instance);

    /// <summary>Taken while the journal has a write of this instance.</summary>
    private readonly SemaphoreSlim _noWrite = new(1);

    /// <summary>
    /// The events of the write under way, or of the last one. It is never disposed of: a write of unknown outcome may still be read from it.
    /// </summary>
    private WireWriter _payloads = new();

    private EventRecord[] _records = [];

    private readonly Action<WriteResult> _writeDone;
    private readonly Action _complete;
    private UnderWay? _underWay;
    private WriteResult _result;
    private long _sequenceNr;
    private long _bytesSinceSnapshot;
    private long _lastSnapshotBytes;
    private Task _snapshotting = Task.CompletedTask;

    protected PersistentActor(PersistenceServices services, EventCodec codec, string persistenceId, int shardId)
    {
        _services = services;
        _codec = codec;
        PersistenceId = persistenceId;
        ShardId = shardId;
        _writeDone = WriteDone;
        _complete = Complete;
    }

    /// <summary>The name of this actor's history in the journal.</summary>
    protected string PersistenceId { get; }

    protected int ShardId { get; }

    /// <summary>The epoch under which this instance writes and answers.</summary>
    protected Fence Fence { get; private set; }

    protected PersistenceServices Services => _services;

    /// <summary>The number of the last event that the state is made of.</summary>
    protected long SequenceNr => _sequenceNr;

    /// <summary>The command whose events are being written; what runs after the write finds it here.</summary>
    protected TMessage Writing => _underWay!.Value.Command;

    /// <summary>Whether the message may lead to events; such messages wait while a write is under way.</summary>
    protected abstract bool IsCommand(TMessage message);

    /// <summary>Handles a message; a command may call <see cref="Persist"/>, once.</summary>
    protected abstract void Handle(TMessage message);

    /// <summary>Folds an event into the state: during recovery and live, the same.</summary>
    protected abstract void Apply(IEvent @event);

    /// <summary>The state, as bytes that <see cref="RestoreSnapshot"/> of this and of later versions reads.</summary>
    protected abstract ReadOnlyMemory<byte> TakeSnapshot();

    /// <summary>Replaces the (fresh) state.</summary>
    protected abstract void RestoreSnapshot(ReadOnlyMemory<byte> snapshot);

    /// <summary>Runs once the state is recovered, before the first message.</summary>
    protected virtual void Recovered()
    {
    }

    protected internal sealed override async ValueTask StartAsync(CancellationToken stopping)
    {
        Fence = await _services.FenceForRecoveryAsync(ShardId, stopping)
            ?? throw new OwnershipLostException(PersistenceId, "another node owns its shard");
        RecoveredJournal found = await _services.Journal.RecoverAsync(PersistenceId, stopping);
        if (found.Snapshot is { } snapshot)
        {
            RestoreSnapshot(snapshot.Payload);
            _lastSnapshotBytes = snapshot.Payload.Length;
        }
        foreach (EventRecord record in found.Events)
        {
            Apply(_codec.Decode(PersistenceId, record));
            _bytesSinceSnapshot += record.Payload.Length;
        }
        _sequenceNr = found.LastSequenceNr;
        Recovered();
    }

    protected internal sealed override ValueTask ReceiveAsync(TMessage message)
    {
        if (_underWay is not null && IsCommand(message))
            Stash();
        else
            Handle(message);
        return ValueTask.CompletedTask;
    }

    protected internal override async ValueTask StopAsync()
    {
        // The next instance must find what this one has written: nothing may reach the journal behind its back.
        await _noWrite.WaitAsync();
        await _snapshotting;
        FailAsk(_underWay?.Command);
        foreach (IAsk question in _unproven)
            question.Fail(new ActorStoppedException(PersistenceId));
    }

    /// <summary>
    /// Journals events, then applies them and runs <paramref name="then"/>.
    /// </summary>
    /// <param name="command">The message that led to them; it is failed if this instance ends first.</param>
    /// <param name="changes">The events, with what goes into the same transaction.</param>
    /// <param name="then">Runs after the events are durable and applied.</param>
    /// <param name="refused">Runs when the journal refused this write, for good.</param>
    protected void Persist(TMessage command, Changes changes, Action then, Action<WriteResult> refused)
    {
        if (_underWay is not null)
            throw new InvalidOperationException($"{PersistenceId} has a write under way.");
        if (_payloads.Length > KeptPayloadBytes)
            _payloads = new WireWriter();
        _payloads.Clear();
        if (_records.Length != changes.Events.Count)
            _records = new EventRecord[changes.Events.Count];
        _codec.EncodeAll(changes.Events, Services.HighestVersion, _payloads, _records);
        var write = new ActorWrite
        {
            Fence = Fence,
            PersistenceId = PersistenceId,
            FirstSequenceNr = _sequenceNr + 1,
            Events = _records,
            References = changes.References,
            NotAfter = changes.NotAfter,
        };
        _underWay = new UnderWay(command, changes.Events, write.PayloadBytes, then, refused);
        _noWrite.Wait(CancellationToken.None); // there is none, so this does not wait
        _services.Commits.Append(write, _writeDone);
    }

    /// <summary>
    /// Runs <paramref name="answer"/> while this instance is sure to own its shard: at once when the lease holds by this node's own clock,
    /// otherwise after a renewal.
    /// </summary>
    /// <param name="prove">Renews in any case, for an answer that needs proof from after the question came.</param>
    /// <param name="answer">Answers from the journaled state.</param>
    /// <param name="question">Failed when ownership cannot be shown.</param>
    protected void WhenOwner(bool prove, Action answer, IAsk question)
    {
        if (!prove && _services.Leases.MayAnswer(ShardId))
        {
            answer();
            return;
        }
        _unproven.Add(question);
        _ = RenewAsync();

        async Task RenewAsync()
        {
            Exception? failure = null;
            try
            {
                await _services.Leases.RenewAsync(CancellationToken.None);
            }
            catch (Exception error)
            {
                failure = error;
            }
            Post(() => Proved(failure));
        }

        void Proved(Exception? failure)
        {
            _unproven.Remove(question);
            if (failure is not null)
            {
                question.Fail(new ActorStoppedException(PersistenceId, failure));
            }
            else if (_services.Leases.FenceOf(ShardId) != Fence)
            {
                question.Fail(new ActorStoppedException(PersistenceId));
                throw new OwnershipLostException(PersistenceId, "its epoch no longer stands");
            }
            else
            {
                answer();
            }
        }
    }

    /// <summary>Runs outside of the actor's turns.</summary>
    private void WriteDone(WriteResult result)
    {
        if (result.Outcome == WriteOutcome.Unknown)
            _services.Doubt(ShardId);
        _result = result;
        _noWrite.Release();
        Post(_complete);
    }

    private void Complete()
    {
        WriteResult result = _result;
        UnderWay done = _underWay!.Value;
        if (result.Outcome == WriteOutcome.Unknown)
            throw new OwnershipLostException(PersistenceId, $"the outcome of a write is unknown ({result.Detail})");
        if (result.Refusal is WriteRefusal.Fenced or WriteRefusal.SequenceConflict)
            throw new OwnershipLostException(PersistenceId, result.Detail ?? "fenced");

        if (result.Outcome == WriteOutcome.Refused)
        {
            Log.LogWarning("{Actor}: a write was refused: {Refusal}, {Detail}", PersistenceId, result.Refusal, result.Detail);
            done.Refused(result);
        }
        else
        {
            for (int i = 0; i < done.Events.Count; i++)
                Apply(done.Events[i]);
            _bytesSinceSnapshot += done.Bytes;
            _sequenceNr += done.Events.Count;
            done.Then();
            SnapshotIfDue();
        }
        _underWay = null;
        while (_underWay is null && TryUnstash(out TMessage? next))
            Handle(next);
    }

    /// <summary>
    /// Keeps what is written of snapshots below what is written of events, as long as the state does not grow faster than those, and what
    /// recovery reads within three times the state.
    /// </summary>
    private void SnapshotIfDue()
    {
        if (_snapshotting.IsCompleted && _bytesSinceSnapshot >= Math.Max(_services.SnapshotSpacingBytes, EventsPerSnapshot * _lastSnapshotBytes))
            Snapshot();
    }

    private void Snapshot()
    {
        var snapshot = new SnapshotRecord(_sequenceNr, TakeSnapshot());
        _bytesSinceSnapshot = 0;
        _lastSnapshotBytes = snapshot.Payload.Length;
        var write = new ActorWrite { Fence = Fence, PersistenceId = PersistenceId, FirstSequenceNr = _sequenceNr + 1, Snapshot = snapshot };
        _snapshotting = WriteAsync();

        async Task WriteAsync()
        {
            WriteResult result = await _services.Commits.AppendAsync(write);
            try
            {
                if (result.Outcome == WriteOutcome.Written)
                    await _services.Journal.TrimAsync(write.Fence, PersistenceId, snapshot.SequenceNr, CancellationToken.None);
            }
            catch (Exception error)
            {
                // Old events are only clutter; the next snapshot trims them too.
                Log.LogWarning(error, "{Actor}: events could not be trimmed", PersistenceId);
            }
        }
    }

    private void FailAsk(TMessage? message) => (message as IAsk)?.Fail(new ActorStoppedException(PersistenceId));

    /// <summary>A write, and what follows on it.</summary>
    private readonly record struct UnderWay(
        TMessage Command, IReadOnlyList<IEvent> Events, int Bytes, Action Then, Action<WriteResult> Refused);
}

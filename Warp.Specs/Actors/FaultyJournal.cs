using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;

namespace Warp.Specs.Actors;

/// <summary>What becomes of the next append.</summary>
internal enum AppendFault
{
    /// <summary>Nothing happens to it.</summary>
    None,

    /// <summary>It is committed, but the answer is lost on the way.</summary>
    CommittedButUnknown,

    /// <summary>It is lost on the way, and nobody can say so.</summary>
    LostButUnknown,

    /// <summary>The database rolls it back for sure.</summary>
    RolledBack,

    /// <summary>The connection breaks with an exception.</summary>
    Throws,
}

/// <summary>
/// A journal between the actors and the real one that fails as its test says, and counts what goes through it. Thread-safe.
/// </summary>
internal sealed class FaultyJournal(IJournal inner) : IJournal
{
    private readonly Lock _gate = new();
    private readonly Queue<(AppendFault Fault, Func<ActorWrite, bool> Concerns)> _faults = new();
    private readonly List<IReadOnlyList<ActorWrite>> _appends = [];
    private TaskCompletionSource? _held;
    private TaskCompletionSource? _renewalsHeld;

    public string Description => inner.Description;

    /// <summary>The writes of each append that reached the journal so far, in order.</summary>
    public IReadOnlyList<IReadOnlyList<ActorWrite>> Appends
    {
        get
        {
            lock (_gate)
                return [.. _appends];
        }
    }

    public int Renewals { get; private set; }

    public int Recoveries { get; private set; }

    public int Trims { get; private set; }

    /// <summary>Runs before and after each append, and each call about a pending object.</summary>
    public Action? OnCall { get; set; }

    /// <summary>Runs before the next listing of object rows, once.</summary>
    public Func<Task>? BeforeListing { get; set; }

    /// <summary>Makes renewals fail as if the database were away.</summary>
    public bool FailsRenewals { get; set; }

    /// <summary>Gives the next appends these fates, in order; the ones after them are normal.</summary>
    public void FailNext(params ReadOnlySpan<AppendFault> faults)
    {
        foreach (AppendFault fault in faults)
            FailNext(fault, static _ => true);
    }

    /// <summary>Gives the next append with such a write a fate. Several are used up in order.</summary>
    public void FailNext(AppendFault fault, Func<ActorWrite, bool> concerns)
    {
        lock (_gate)
            _faults.Enqueue((fault, concerns));
    }

    /// <summary>Keeps appends from beginning until <see cref="ReleaseAppends"/>.</summary>
    public void HoldAppends() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void ReleaseAppends()
    {
        TaskCompletionSource? held = _held;
        _held = null;
        held?.SetResult();
    }

    /// <summary>Keeps renewals from ending until <see cref="ReleaseRenewals"/>.</summary>
    public void HoldRenewals() => _renewalsHeld = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void ReleaseRenewals()
    {
        TaskCompletionSource? held = _renewalsHeld;
        _renewalsHeld = null;
        held?.SetResult();
    }

    public async ValueTask<IReadOnlyList<WriteResult>> AppendAsync(IReadOnlyList<ActorWrite> writes, CancellationToken cancellationToken)
    {
        OnCall?.Invoke();
        if (_held is { } held)
            await held.Task;
        AppendFault fault;
        lock (_gate)
        {
            _appends.Add([.. writes.Select(Copy)]);
            bool concerned = _faults.TryPeek(out (AppendFault Fault, Func<ActorWrite, bool> Concerns) next) && writes.Any(next.Concerns);
            fault = concerned ? _faults.Dequeue().Fault : AppendFault.None;
        }
        switch (fault)
        {
            case AppendFault.CommittedButUnknown:
                await inner.AppendAsync(writes, cancellationToken);
                return All(writes, new WriteResult(WriteOutcome.Unknown, Detail: "the connection broke"));
            case AppendFault.LostButUnknown:
                return All(writes, new WriteResult(WriteOutcome.Unknown, Detail: "the connection broke"));
            case AppendFault.RolledBack:
                return All(writes, WriteResult.Refused(WriteRefusal.RolledBack, "the disk is full"));
            case AppendFault.Throws:
                throw new IOException("the connection broke");
            default:
                IReadOnlyList<WriteResult> results = await inner.AppendAsync(writes, cancellationToken);
                OnCall?.Invoke();
                return results;
        }
    }

    public ValueTask DepartAsync(NodeIncarnation node, CancellationToken cancellationToken) => inner.DepartAsync(node, cancellationToken);

    public async ValueTask<Heartbeat> HeartbeatAsync(
        NodeIncarnation node, NodeStatus status, IReadOnlyList<Fence> held, TimeSpan lease, CancellationToken cancellationToken)
    {
        lock (_gate)
            Renewals++;
        if (_renewalsHeld is { } waiting)
            await waiting.Task;
        if (FailsRenewals)
            throw new JournalException("the database is away");
        return await inner.HeartbeatAsync(node, status, held, lease, cancellationToken);
    }

    public ValueTask<RecoveredJournal> RecoverAsync(string persistenceId, CancellationToken cancellationToken)
    {
        lock (_gate)
            Recoveries++;
        return inner.RecoverAsync(persistenceId, cancellationToken);
    }

    public async ValueTask<bool> RegisterPendingAsync(
        ObjectId id, int level, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        OnCall?.Invoke();
        bool isPending = await inner.RegisterPendingAsync(id, level, deadline, cancellationToken);
        OnCall?.Invoke();
        return isPending;
    }

    public async ValueTask<bool> RenewPendingAsync(ObjectId id, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        OnCall?.Invoke();
        bool isPending = await inner.RenewPendingAsync(id, deadline, cancellationToken);
        OnCall?.Invoke();
        return isPending;
    }

    public ValueTask<IReadOnlyList<string>> ListPersistenceIdsAsync(string prefix, CancellationToken cancellationToken) =>
        inner.ListPersistenceIdsAsync(prefix, cancellationToken);

    public ValueTask TrimAsync(Fence fence, string persistenceId, long upToSequenceNr, CancellationToken cancellationToken)
    {
        lock (_gate)
            Trims++;
        return inner.TrimAsync(fence, persistenceId, upToSequenceNr, cancellationToken);
    }

    public ValueTask<IReadOnlyList<Fence>> TakeOverAsync(
        NodeIncarnation node, IReadOnlyList<int> shards, TimeSpan lease, CancellationToken cancellationToken) =>
        inner.TakeOverAsync(node, shards, lease, cancellationToken);

    public ValueTask ReleaseAsync(NodeIncarnation node, IReadOnlyList<Fence> held, CancellationToken cancellationToken) =>
        inner.ReleaseAsync(node, held, cancellationToken);

    public ValueTask<ClusterRecord> ReadClusterAsync(CancellationToken cancellationToken) => inner.ReadClusterAsync(cancellationToken);

    public ValueTask RaiseLineageAsync(long lineage, bool storeBound, CancellationToken cancellationToken) =>
        inner.RaiseLineageAsync(lineage, storeBound, cancellationToken);

    public ValueTask<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) => inner.ReadClockAsync(cancellationToken);

    public ValueTask<NodeIncarnation> RegisterNodeAsync(
        NodeRegistration node, TimeSpan lease, CancellationToken cancellationToken) =>
        inner.RegisterNodeAsync(node, lease, cancellationToken);

    public ValueTask<bool> AssignShardsAsync(
        Fence coordinator, IReadOnlyList<ShardAssignment> assignments, CancellationToken cancellationToken) =>
        inner.AssignShardsAsync(coordinator, assignments, cancellationToken);

    public ValueTask<bool> RemoveNodeAsync(NodeIncarnation node, CancellationToken cancellationToken) =>
        inner.RemoveNodeAsync(node, cancellationToken);

    public ValueTask<bool> RaiseFeatureLevelAsync(Fence coordinator, int level, CancellationToken cancellationToken) =>
        inner.RaiseFeatureLevelAsync(coordinator, level, cancellationToken);

    public async ValueTask<IReadOnlyList<ObjectRow>> ListObjectsAsync(
        ObjectRowKind kind, TimeSpan age, ObjectRow? after, int limit, CancellationToken cancellationToken)
    {
        Func<Task>? before = BeforeListing;
        BeforeListing = null;
        if (before is not null)
            await before();
        return await inner.ListObjectsAsync(kind, age, after, limit, cancellationToken);
    }

    public ValueTask<IReadOnlyList<ObjectRow>> FindObjectsAsync(IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken) =>
        inner.FindObjectsAsync(ids, cancellationToken);

    public ValueTask<IReadOnlyList<ObjectId>> BeginDeletingAsync(
        Fence fence, IReadOnlyList<ObjectId> ids, TimeSpan grace, CancellationToken cancellationToken) =>
        inner.BeginDeletingAsync(fence, ids, grace, cancellationToken);

    public ValueTask<IReadOnlyList<ObjectId>> InsertDeletingAsync(
        Fence fence, IReadOnlyList<OrphanObject> orphans, CancellationToken cancellationToken) =>
        inner.InsertDeletingAsync(fence, orphans, cancellationToken);

    public ValueTask ConfirmDeletedAsync(Fence fence, IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken) =>
        inner.ConfirmDeletedAsync(fence, ids, cancellationToken);

    public ValueTask RemoveTombstonesAsync(Fence fence, IReadOnlyList<ObjectId> ids, TimeSpan age, CancellationToken cancellationToken) =>
        inner.RemoveTombstonesAsync(fence, ids, age, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    /// <summary>What a write holds is used again by its actor once it has its result.</summary>
    private static ActorWrite Copy(ActorWrite write) => write with
    {
        Events = [.. write.Events.Select(static record => record with { Payload = record.Payload.ToArray() })],
        References = [.. write.References],
    };

    private static WriteResult[] All(IReadOnlyList<ActorWrite> writes, WriteResult result) => [.. writes.Select(_ => result)];
}

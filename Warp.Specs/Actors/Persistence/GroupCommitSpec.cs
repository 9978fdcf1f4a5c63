using Warp.Actors.Cluster;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Xunit;

namespace Warp.Specs.Actors.Persistence;

public sealed class GroupCommitSpec : IAsyncLifetime
{
    private readonly ActorSystem _system = new(TimeProvider.System, new Random(1));
    private readonly GatheringJournal _inner = new();
    private FaultyJournal _journal = null!;
    private GroupCommit _commits = null!;

    public ValueTask InitializeAsync()
    {
        _journal = new FaultyJournal(_inner);
        _commits = new GroupCommit(_system, _journal);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        _journal.ReleaseAppends();
        await _commits.DisposeAsync();
        await _system.DisposeAsync();
    }

    [Fact]
    public async Task Rule_3_what_waits_during_an_append_goes_in_the_next_one_together()
    {
        _journal.HoldAppends();
        Task<WriteResult> first = _commits.AppendAsync(Write("first"));
        await UntilAsync(() => _commits.Appends == 1);
        Task<WriteResult>[] others = [.. Enumerable.Range(0, 100).Select(i => _commits.AppendAsync(Write($"{i}")))];

        _journal.ReleaseAppends();
        await Task.WhenAll([first, .. others]).WaitAsync(JournaledNode.Patience, TestContext.Current.CancellationToken);

        Assert.Equal([1, 100], _journal.Appends.Select(static writes => writes.Count));
        Assert.Equal(Enumerable.Range(0, 100).Select(static i => $"{i}"), _journal.Appends[1].Select(static write => write.PersistenceId));
        Assert.Equal((2, 101), (_commits.Appends, _commits.Writes));
    }

    [Fact]
    public async Task A_burst_is_cut_into_appends_of_bounded_length()
    {
        _journal.HoldAppends();
        Task<WriteResult> first = _commits.AppendAsync(Write("first"));
        await UntilAsync(() => _commits.Appends == 1);
        Task<WriteResult>[] small = [.. Enumerable.Range(0, 2000).Select(_ => _commits.AppendAsync(Write("small")))];
        Task<WriteResult>[] large = [.. Enumerable.Range(0, 8).Select(_ => _commits.AppendAsync(Write("large", bytes: 3 << 20)))];

        _journal.ReleaseAppends();
        await Task.WhenAll([first, .. small, .. large]).WaitAsync(JournaledNode.Patience, TestContext.Current.CancellationToken);

        Assert.All(_journal.Appends, static writes => Assert.InRange(writes.Count, 1, 1024));
        Assert.All(_journal.Appends, static writes => Assert.InRange(writes.Count(static write => write.PersistenceId == "large"), 0, 2));
    }

    [Fact]
    public async Task Each_actor_gets_the_result_of_its_own_write()
    {
        _journal.HoldAppends();
        Task<WriteResult>[] writes =
        [
            _commits.AppendAsync(Write("a")),
            _commits.AppendAsync(Write("refused")),
            _commits.AppendAsync(Write("b")),
        ];
        _journal.ReleaseAppends();

        WriteResult[] results = await Task.WhenAll(writes);

        Assert.Equal([WriteOutcome.Written, WriteOutcome.Refused, WriteOutcome.Written], results.Select(static result => result.Outcome));
    }

    [Fact]
    public async Task Rule_4_a_journal_that_breaks_leaves_an_unknown_outcome_and_the_next_append_goes_on()
    {
        _journal.FailNext(AppendFault.Throws);

        Assert.Equal(WriteOutcome.Unknown, (await _commits.AppendAsync(Write("a"))).Outcome);
        Assert.Equal(WriteOutcome.Written, (await _commits.AppendAsync(Write("a"))).Outcome);
    }

    [Fact]
    public async Task What_waits_is_written_before_the_end_and_what_comes_later_is_refused()
    {
        _journal.HoldAppends();
        Task<WriteResult>[] waiting = [.. Enumerable.Range(0, 10).Select(_ => _commits.AppendAsync(Write("a")))];
        Task ended = _commits.DisposeAsync().AsTask();
        Task<WriteResult> late = _commits.AppendAsync(Write("late"));

        _journal.ReleaseAppends();
        await ended;

        Assert.Equal(WriteRefusal.RolledBack, (await late).Refusal);
        Assert.All(await Task.WhenAll(waiting), static result => Assert.Equal(WriteOutcome.Written, result.Outcome));
    }

    private static ActorWrite Write(string persistenceId, int bytes = 10) => new()
    {
        Fence = new Fence(0, 1),
        PersistenceId = persistenceId,
        FirstSequenceNr = 1,
        Events = [new EventRecord(1, 0, new byte[bytes])],
    };

    private static Task UntilAsync(Func<bool> condition) => Hosting.Wait.UntilAsync(condition, JournaledNode.Patience, "the group commit");

    /// <summary>Writes everything at once, but for actors called refused.</summary>
    private sealed class GatheringJournal : IJournal
    {
        public string Description => "gathering";

        public ValueTask<IReadOnlyList<WriteResult>> AppendAsync(IReadOnlyList<ActorWrite> writes, CancellationToken cancellationToken) =>
            new(writes.Select(ResultOf).ToList());

        public ValueTask<IReadOnlyList<ObjectRow>> ListObjectsAsync(
            ObjectRowKind kind, TimeSpan age, ObjectRow? after, int limit, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<IReadOnlyList<ObjectRow>> FindObjectsAsync(IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<IReadOnlyList<ObjectId>> BeginDeletingAsync(
            Fence fence, IReadOnlyList<ObjectId> ids, TimeSpan grace, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<IReadOnlyList<ObjectId>> InsertDeletingAsync(
            Fence fence, IReadOnlyList<OrphanObject> orphans, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask ConfirmDeletedAsync(Fence fence, IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask RemoveTombstonesAsync(
            Fence fence, IReadOnlyList<ObjectId> ids, TimeSpan age, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        public ValueTask<ClusterRecord> ReadClusterAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask RaiseLineageAsync(long lineage, bool storeBound, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<NodeIncarnation> RegisterNodeAsync(
            NodeRegistration node, TimeSpan lease, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<bool> AssignShardsAsync(
            Fence coordinator, IReadOnlyList<ShardAssignment> assignments, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<bool> RemoveNodeAsync(NodeIncarnation node, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<bool> RaiseFeatureLevelAsync(Fence coordinator, int level, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<IReadOnlyList<Fence>> TakeOverAsync(
            NodeIncarnation node, IReadOnlyList<int> shards, TimeSpan lease, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask DepartAsync(NodeIncarnation node, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<Heartbeat> HeartbeatAsync(
            NodeIncarnation node, NodeStatus status, IReadOnlyList<Fence> held, TimeSpan lease, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask ReleaseAsync(NodeIncarnation node, IReadOnlyList<Fence> held, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<bool> RegisterPendingAsync(
            ObjectId id, int level, DateTimeOffset deadline, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<bool> RenewPendingAsync(ObjectId id, DateTimeOffset deadline, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<RecoveredJournal> RecoverAsync(string persistenceId, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<IReadOnlyList<string>> ListPersistenceIdsAsync(string prefix, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask TrimAsync(Fence fence, string persistenceId, long upToSequenceNr, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        private static WriteResult ResultOf(ActorWrite write) =>
            write.PersistenceId == "refused" ? WriteResult.Refused(WriteRefusal.Fenced, "as told") : WriteResult.Written;
    }
}

using System.Diagnostics;
using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sequencing;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Persistence;

/// <summary>What can only go wrong between several connections.</summary>
public sealed partial class PostgresJournalSpec
{
    private const string LockObject = "SELECT 1 FROM object WHERE object_id = @id FOR UPDATE";

    [Fact]
    public async Task A_takeover_comes_wholly_before_an_append_or_wholly_after_it()
    {
        await using PostgresJournal second = await OpenAsync(_database);
        Fence fence = await TakeAsync(1);
        int written = 0;
        int fenced = 0;
        for (int round = 0; round < 200; round++)
        {
            string[] texts = [.. Enumerable.Range(0, round % 20).Select(i => $"{round}-{i}"), "last"];
            long first = (await second.RecoverAsync("a", Cancellation)).LastSequenceNr + 1;
            // Neither has a head start for good.
            Task<IReadOnlyList<Fence>>? early = round % 2 == 0 ? TakeOverAsync() : null;
            Task<WriteResult> append = AppendAsync(Write(fence, "a", first, texts));
            Fence next = Assert.Single(await (early ?? TakeOverAsync()));
            // Before the append has been answered: whoever took over knows its outcome already.
            RecoveredJournal found = await second.RecoverAsync("a", Cancellation);

            WriteResult result = await append;

            long last = first - 1 + (result.Outcome == WriteOutcome.Written ? texts.Length : 0);
            Assert.NotEqual(WriteOutcome.Unknown, result.Outcome);
            Assert.Equal(last, found.LastSequenceNr);
            Assert.Equal(last, (await Journal.RecoverAsync("a", Cancellation)).LastSequenceNr);
            if (result.Outcome == WriteOutcome.Written)
                written++;
            else
                fenced++;
            fence = next;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{written} written, {fenced} fenced");

        async Task<IReadOnlyList<Fence>> TakeOverAsync() => await second.TakeOverAsync(Node, [1], _lease, Cancellation);
    }

    [Fact]
    public async Task A_takeover_waits_for_an_append_that_has_begun_and_then_finds_what_it_wrote()
    {
        await using PostgresJournal second = await OpenAsync(_database);
        await ReferAsync(7, ReferenceChange.Add);
        Fence fence = await TakeAsync(8);
        await using PostgresRowLock row = await PostgresRowLock.TakeAsync(_database, LockObject, ("id", _object.ToByteArray()));
        Task<WriteResult> append = AppendAsync(Refer(fence, "a", 1, ReferenceChange.Add));
        await row.WaitersAsync(1);

        Task<IReadOnlyList<Fence>> takeover = second.TakeOverAsync(Node, [8], _lease, Cancellation).AsTask();
        await row.WaitersAsync(2);
        await row.ReleaseAsync();

        Fence next = Assert.Single(await takeover);
        Assert.Equal(1, (await second.RecoverAsync("a", Cancellation)).LastSequenceNr);
        Assert.Equal(WriteResult.Written, await append);
        Assert.Equal(fence.Epoch + 1, next.Epoch);
    }

    [Fact]
    public async Task An_append_that_waits_for_a_takeover_is_fenced_by_it()
    {
        Fence fence = await TakeAsync(8);
        await using PostgresRowLock takeover = await PostgresRowLock.TakeAsync(
            _database, "UPDATE shard SET epoch = epoch + 1 WHERE shard_id = 8");
        Task<WriteResult> append = AppendAsync(Write(fence, "a", 1, "one"));
        await takeover.WaitersAsync(1);

        await takeover.CommitAsync();

        AssertRefused(WriteRefusal.Fenced, await append);
        Assert.Empty(await RecoverAsync("a"));
    }

    [Fact]
    public async Task A_statement_that_is_stuck_in_the_database_holds_a_takeover_up_no_longer_than_its_time_out()
    {
        await using PostgresJournal second = await OpenAsync(_database);
        await ReferAsync(7, ReferenceChange.Add);
        Fence fence = await TakeAsync(8);
        await using PostgresRowLock row = await PostgresRowLock.TakeAsync(_database, LockObject, ("id", _object.ToByteArray()));
        var elapsed = Stopwatch.StartNew();
        Task<WriteResult> append = AppendAsync(Refer(fence, "a", 1, ReferenceChange.Add));
        await row.WaitersAsync(1);

        Fence next = Assert.Single(await TakeOverAsync());

        // The time-out is 3 s; the rest is for a busy machine.
        Assert.InRange(elapsed.Elapsed, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(6));
        AssertRefused(WriteRefusal.RolledBack, await append);
        Assert.Empty(await RecoverAsync("a"));
        await AppendAsync(next, "a", 1, "one");

        // It waits for the append, and has nearly the same time-out: on a busy machine it may be the first to have it. Nodes try again.
        async Task<IReadOnlyList<Fence>> TakeOverAsync()
        {
            try
            {
                return await second.TakeOverAsync(Node, [8], _lease, Cancellation);
            }
            catch (JournalException error) when (error.IsTransient)
            {
                return await second.TakeOverAsync(Node, [8], _lease, Cancellation);
            }
        }
    }

    [Fact]
    public async Task An_append_that_is_cut_off_on_its_way_holds_nothing_up()
    {
        await using var proxy = new TcpProxy(_database.Server.Port);
        await using PostgresJournal far = await OpenAsync(_database, proxy.Port);
        Fence fence = await TakeAsync(8);
        ActorWrite large = Write(fence, "a", 1) with { Events = [new EventRecord(1, 0, new byte[1_000_000])] };
        await far.ReadClockAsync(Cancellation);
        proxy.PassOnly(500_000);
        Task<IReadOnlyList<WriteResult>> append = far.AppendAsync([large], Cancellation).AsTask();
        await Wait.UntilAsync(() => proxy.HasPassedAll, JournaledNode.Patience, "half of the append");

        Fence next = await TakeAsync(8);

        Assert.False(append.IsCompleted);
        await AppendAsync(next, "a", 1, "one");
        Assert.Equal(WriteOutcome.Unknown, Assert.Single(await append).Outcome);
        Assert.Equal(["one"], await RecoverAsync("a"));
    }

    [Fact]
    public async Task An_answer_that_is_lost_leaves_the_outcome_unknown_and_a_takeover_finds_it()
    {
        await using var proxy = new TcpProxy(_database.Server.Port);
        await using PostgresJournal far = await OpenAsync(_database, proxy.Port);
        Fence fence = await TakeAsync(8);
        await far.ReadClockAsync(Cancellation);
        proxy.CutNextAnswer();

        WriteResult result = Assert.Single(await far.AppendAsync([Write(fence, "a", 1, "one")], Cancellation));

        Assert.Equal(WriteOutcome.Unknown, result.Outcome);
        Fence next = Assert.Single(await far.TakeOverAsync(Node, [8], _lease, Cancellation));
        Assert.Equal(1, (await far.RecoverAsync("a", Cancellation)).LastSequenceNr);
        Assert.Equal(WriteResult.Written, Assert.Single(await far.AppendAsync([Write(next, "a", 2, "two")], Cancellation)));
    }

    [Fact]
    public async Task A_connection_that_is_killed_inside_an_append_leaves_the_outcome_unknown_and_a_takeover_finds_it()
    {
        await ReferAsync(7, ReferenceChange.Add);
        Fence fence = await TakeAsync(8);
        await using PostgresRowLock row = await PostgresRowLock.TakeAsync(_database, LockObject, ("id", _object.ToByteArray()));
        Task<IReadOnlyList<WriteResult>> append = Journal.AppendAsync(
            [Refer(fence, "a", 1, ReferenceChange.Add), Write(fence, "b", 1, "one")], Cancellation).AsTask();
        List<int> process = await row.WaitersAsync(1);

        await _database.ExecuteAsync("SELECT pg_terminate_backend(@pid)", ("pid", process[0]));

        Assert.All(await append, static result => Assert.Equal(WriteOutcome.Unknown, result.Outcome));
        await row.ReleaseAsync();
        Fence next = await TakeAsync(8);
        Assert.Empty(await RecoverAsync("a"));
        Assert.Empty(await RecoverAsync("b"));
        Assert.Equal(WriteResult.Written, await AppendAsync(Refer(next, "a", 1, ReferenceChange.Add)));
    }

    [Fact]
    public async Task A_deadlock_is_a_certain_rollback_and_the_append_is_run_again()
    {
        // The append is the one that looks for deadlocks, after 2 of its 3 s.
        await _database.ExecuteAsync($"ALTER DATABASE {_database.Name} SET deadlock_timeout = '2s'");
        await ReopenAsync();
        await ReferAsync(7, ReferenceChange.Add);
        Fence fence = await TakeAsync(8);
        await using PostgresRowLock row = await PostgresRowLock.TakeAsync(_database, LockObject, ("id", _object.ToByteArray()));
        Task<WriteResult> append = AppendAsync(Refer(fence, "a", 1, ReferenceChange.Add));
        await row.WaitersAsync(1);

        // It gets the shard's row when the append has been undone.
        await row.ExecuteAsync("SELECT 1 FROM shard WHERE shard_id = 8 FOR UPDATE");
        await row.WaitersAsync(1);
        await row.ReleaseAsync();

        Assert.Equal(WriteResult.Written, await append);
        Assert.Equal(["x"], await RecoverAsync("a"));
    }

    [Fact]
    public async Task An_append_that_meets_an_object_which_was_turned_to_deleting_meanwhile_is_refused_with_its_events_and_no_other()
    {
        await ReferAsync(7, ReferenceChange.Add);
        await ReferAsync(7, ReferenceChange.Drop);
        Fence fence = await TakeAsync(8);
        await using PostgresRowLock collector = await PostgresRowLock.TakeAsync(
            _database, "UPDATE object SET state = 'deleting' WHERE object_id = @id", ("id", _object.ToByteArray()));
        Task<IReadOnlyList<WriteResult>> append = Journal.AppendAsync(
            [Write(fence, "b", 1, "one"), Refer(fence, "a", 1, ReferenceChange.Add)], Cancellation).AsTask();
        await collector.WaitersAsync(1);

        await collector.CommitAsync();

        IReadOnlyList<WriteResult> results = await append;
        Assert.Equal(WriteResult.Written, results[0]);
        AssertRefused(WriteRefusal.ObjectDeleting, results[1]);
        Assert.Contains(_object.ToString(), results[1].Detail);
        Assert.Empty(await RecoverAsync("a"));
        Assert.Equal(["one"], await RecoverAsync("b"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_append_that_meets_a_tombstone_which_is_being_made_goes_by_whether_it_is(bool isMade)
    {
        Fence fence = await TakeAsync(8);
        await using PostgresRowLock collector = await PostgresRowLock.TakeAsync(
            _database,
            "INSERT INTO object (object_id, size, level, state, created_at, live_shards) VALUES (@id, 1, 0, 'deleting', now(), 0)",
            ("id", _object.ToByteArray()));
        Task<WriteResult> append = AppendAsync(Refer(fence, "a", 1, ReferenceChange.Add));
        await collector.WaitersAsync(1);

        if (isMade)
            await collector.CommitAsync();
        else
            await collector.ReleaseAsync();

        WriteResult result = await append;
        Assert.Equal(isMade ? WriteRefusal.ObjectDeleting : WriteRefusal.None, result.Refusal);
        Assert.Equal(isMade ? [] : ["x"], await RecoverAsync("a"));
    }

    [Fact]
    public async Task A_registered_object_whose_row_is_removed_meanwhile_is_refused()
    {
        await RegisterAsync(s_deadline);
        Fence fence = await TakeAsync(8);
        await using PostgresRowLock collector = await PostgresRowLock.TakeAsync(
            _database, "DELETE FROM object WHERE object_id = @id", ("id", _object.ToByteArray()));
        Task<WriteResult> append = AppendAsync(Refer(fence, "a", 1, ReferenceChange.AddRegistered));
        await collector.WaitersAsync(1);

        await collector.CommitAsync();

        AssertRefused(WriteRefusal.ObjectDeleting, await append);
        Assert.Null(await ReadObjectAsync(_object));
        Assert.Empty(await RecoverAsync("a"));
    }

    [Fact]
    public async Task A_collector_that_waits_for_a_commit_leaves_its_object_alone()
    {
        await ReferAsync(7, ReferenceChange.Add);
        await ReferAsync(7, ReferenceChange.Drop);
        Fence collector = await TakeAsync(CollectorShard);
        await using PostgresRowLock commit = await PostgresRowLock.TakeAsync(
            _database,
            "UPDATE object SET live_shards = 256, released_at = NULL WHERE object_id = @id",
            ("id", _object.ToByteArray()));
        Task<IReadOnlyList<ObjectId>> turned = Journal.BeginDeletingAsync(collector, [_object], TimeSpan.Zero, Cancellation).AsTask();
        await commit.WaitersAsync(1);

        await commit.CommitAsync();

        Assert.Empty(await turned);
        Assert.Equal("live", (await ReadObjectAsync(_object))!.State);
    }

    [Fact]
    public async Task Of_a_commit_and_a_collector_that_race_for_an_object_one_wins()
    {
        await using PostgresJournal second = await OpenAsync(_database);
        Fence collector = await TakeAsync(CollectorShard);
        Fence fence = await TakeAsync(8);
        long next = 1;
        int committed = 0;
        for (int round = 0; round < 100; round++)
        {
            ObjectId id = NewObject(1000 + round);
            var add = new ObjectReference(id, 1, 0, ReferenceChange.Add);
            if (round % 2 == 0)
            {
                await AppendAsync(Write(fence, "a", next++, "x") with { References = [add] });
                await AppendAsync(Write(fence, "a", next++, "x") with { References = [add with { Change = ReferenceChange.Drop }] });
            }
            Task<WriteResult> commit = AppendAsync(Write(fence, "a", next, "x") with { References = [add] });
            IReadOnlyList<ObjectId> turned = round % 2 == 0
                ? await second.BeginDeletingAsync(collector, [id], TimeSpan.Zero, Cancellation)
                : await second.InsertDeletingAsync(collector, [new OrphanObject(id, 1, 0)], Cancellation);

            WriteResult result = await commit;

            Assert.Equal(turned.Count == 0 ? WriteRefusal.None : WriteRefusal.ObjectDeleting, result.Refusal);
            Assert.Equal(turned.Count == 0 ? "live" : "deleting", (await ReadObjectAsync(id))!.State);
            if (result.Outcome == WriteOutcome.Written)
            {
                next++;
                committed++;
            }
            Assert.Equal(next - 1, (await Journal.RecoverAsync("a", Cancellation)).LastSequenceNr);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{committed} of 100 committed");
    }

    [Fact]
    public async Task Nodes_that_commit_the_same_objects_at_the_same_time_all_succeed()
    {
        ObjectId[] objects = [.. Enumerable.Range(0, 10).Select(NewObject)];
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async node =>
        {
            await using PostgresJournal journal = await OpenAsync(_database);
            var random = new Random(node);
            IReadOnlyList<Fence> fences = await journal.TakeOverAsync(Node, [.. Enumerable.Range(node * 8, 8)], _lease, Cancellation);
            // The last change is an Add.
            for (int round = 1; round <= 19; round++)
            {
                ReferenceChange change = round % 2 == 1 ? ReferenceChange.Add : ReferenceChange.Drop;
                ActorWrite[] writes = [.. fences.Select(fence =>
                {
                    ObjectReference[] references = [.. objects.Select(id => new ObjectReference(id, 1, 0, change))];
                    random.Shuffle(references);
                    return Write(fence, $"actor-{fence.ShardId}", round, "x") with { References = references };
                })];
                Assert.All(await journal.AppendAsync(writes, Cancellation), static result => Assert.Equal(WriteResult.Written, result));
            }
        }));

        foreach (ObjectId id in objects)
            Assert.Equal(ulong.MaxValue, (await ReadObjectAsync(id))!.LiveShards);
    }

    [Fact]
    public async Task Two_writers_under_one_fence_leave_no_gap_and_write_no_number_twice()
    {
        await using PostgresJournal second = await OpenAsync(_database);
        Fence fence = await TakeAsync(8);
        IJournal[] journals = [Journal, second];
        long[] written = await Task.WhenAll(journals.Select(async journal =>
        {
            long count = 0;
            for (int round = 0; round < 100; round++)
            {
                long next = (await journal.RecoverAsync("a", Cancellation)).LastSequenceNr + 1;
                WriteResult result = Assert.Single(await journal.AppendAsync([Write(fence, "a", next, "x")], Cancellation));
                Assert.Contains(result.Refusal, (WriteRefusal[])[WriteRefusal.None, WriteRefusal.SequenceConflict]);
                count += result.Outcome == WriteOutcome.Written ? 1 : 0;
            }
            return count;
        }));

        Assert.Equal(written.Sum(), (await Journal.RecoverAsync("a", Cancellation)).LastSequenceNr);
    }

    [Fact]
    public async Task A_registered_object_is_pending_for_all_who_register_it_at_once()
    {
        bool[] pending = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => RegisterAsync(s_deadline).AsTask()));

        Assert.All(pending, Assert.True);
        Assert.Equal(Pending(s_deadline), await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task Nodes_that_open_an_empty_database_at_once_agree_on_one_cluster()
    {
        PostgresDatabase empty = await _database.Server.NewDatabaseAsync();
        PostgresJournal[] journals = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => PostgresJournal.OpenAsync(
            empty.Settings, _newCluster with { ClusterId = $"cluster-{i}" }, TimeProvider.System, cancellationToken: Cancellation)));

        ClusterRecord[] clusters = await Task.WhenAll(journals.Select(journal => journal.ReadClusterAsync(Cancellation).AsTask()));

        Assert.Single(clusters.Distinct());
        foreach (PostgresJournal journal in journals)
            await journal.DisposeAsync();
    }

    private static async Task<PostgresJournal> OpenAsync(PostgresDatabase database, int port)
    {
        string url = $"postgres://{PostgresServer.User}:{PostgresServer.Password}@127.0.0.1:{port}/{database.Name}";
        return await PostgresJournal.OpenAsync(
            PostgresSettings.Parse(url, static _ => null), _newCluster, TimeProvider.System, cancellationToken: Cancellation);
    }
}

using Warp.Actors.Cluster;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>The rules of persistence and ownership, as one node can show them with a journal that fails when it is told to.</summary>
public sealed class OwnershipRulesSpec : IAsyncLifetime
{
    private static readonly TimeSpan s_lease = new TimeConstants().Lease;
    private static readonly TopicPartition s_partition = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"), 1);

    private readonly ManualTime _time = new();
    private JournaledNode _node = null!;
    private Committer _commits = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _node = await JournaledNode.StartAsync(_time);
        _commits = new Committer(_node.Node, new Random(1), () => _node.Leases.Clock.Now);
        await _node.OpenAsync(s_partition);
    }

    public async ValueTask DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task Rule_2_an_owner_that_was_replaced_writes_nothing_more_and_then_answers_nothing_more()
    {
        await _node.AcceptedAsync(_commits.Next(Batch(s_partition)));
        await TakenOverByAnotherNodeAsync();

        await Assert.ThrowsAsync<ActorStoppedException>(() => _node.CommitAsync(_commits.Next(Batch(s_partition))));

        Assert.Equal(2, (await _node.Journal.RecoverAsync("sequencer-0", Cancellation)).LastSequenceNr);
        await _node.Leases.RenewAsync(Cancellation);
        await AssertNoAnswerAsync();
    }

    [Fact]
    public async Task Rule_3_nothing_is_answered_from_state_that_is_not_journaled()
    {
        var watcher = new Watcher();
        _node.Sequencer.Tell(new SequencerMessage.Watch([(s_partition, 0)], watcher));
        _node.Journal.HoldAppends();
        ObjectCommit commit = _commits.Next(Batch(s_partition));
        Task<CommitReply> first = _node.CommitAsync(commit);
        Task<CommitReply> repeated = _node.CommitAsync(commit);

        Assert.Equal(0, (await _node.ReadAsync(s_partition, 0)).Ends.HighWatermark);
        Assert.False(first.IsCompleted || repeated.IsCompleted || watcher.IsDone);
        _node.Journal.ReleaseAppends();

        Assert.Equal(0, Assert.Single((await first).Batches).Answer.BaseOffset);
        Assert.Equal(0, Assert.Single((await repeated).Batches).Answer.BaseOffset);
        Assert.Equal(1, (await _node.ReadAsync(s_partition, 0)).Ends.HighWatermark);
        Assert.True(watcher.IsDone);
    }

    [Theory]
    [InlineData(nameof(AppendFault.CommittedButUnknown))]
    [InlineData(nameof(AppendFault.LostButUnknown))]
    [InlineData(nameof(AppendFault.Throws))]
    public async Task Rule_4_after_an_unknown_outcome_the_epoch_is_raised_and_a_repeated_commit_counts_once(string fault)
    {
        await _node.AcceptedAsync(_commits.Next(Batch(s_partition)));
        Fence before = _node.Leases.FenceOf(0)!.Value;
        ObjectCommit commit = _commits.Next(Batch(s_partition, 5));
        _node.Journal.FailNext(Enum.Parse<AppendFault>(fault));

        await Assert.ThrowsAsync<ActorStoppedException>(() => _node.CommitAsync(commit));
        IReadOnlyList<BatchAnswer> repeated = await AdvancingAsync(_node.AcceptedAsync(commit));

        Assert.Equal(1, Assert.Single(repeated).BaseOffset);
        Assert.True(_node.Leases.FenceOf(0)!.Value.Epoch > before.Epoch);
        Assert.Equal(6, (await _node.ReadAsync(s_partition, 0)).Ends.HighWatermark);
        Assert.Equal(6, Assert.Single(await _node.AcceptedAsync(_commits.Next(Batch(s_partition)))).BaseOffset);
        await _node.RestartAsync();
        Assert.Equal(7, (await _node.ReadAsync(s_partition, 0)).Ends.HighWatermark);
    }

    [Fact]
    public async Task Rule_4_an_instance_does_not_recover_while_a_write_of_the_one_before_is_under_way()
    {
        _node.Journal.HoldAppends();
        ObjectCommit commit = _commits.Next(Batch(s_partition));
        Task<CommitReply> underWay = _node.CommitAsync(commit);
        await Wait.UntilAsync(() => _node.Commits.Appends == 2, JournaledNode.Patience, "the write");
        // Another epoch of this very node ends the instance, at the next proof.
        await _node.Leases.RaiseEpochAsync(0, Cancellation);
        await Assert.ThrowsAsync<ActorStoppedException>(() => _node.ReadAsync(s_partition, 99));
        int recoveries = _node.Journal.Recoveries;
        for (int i = 0; i < 20; i++)
            _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(recoveries, _node.Journal.Recoveries);

        _node.Journal.ReleaseAppends();

        await Assert.ThrowsAsync<ActorStoppedException>(() => underWay);
        Assert.Equal(0, Assert.Single(await AdvancingAsync(_node.AcceptedAsync(commit))).BaseOffset);
        Assert.Equal(1, (await _node.ReadAsync(s_partition, 0)).Ends.HighWatermark);
    }

    [Fact]
    public async Task Rule_4_commands_behind_the_unknown_one_are_handled_by_the_next_instance()
    {
        _node.Journal.HoldAppends();
        _node.Journal.FailNext(AppendFault.LostButUnknown);
        Task<CommitReply> lost = _node.CommitAsync(_commits.Next(Batch(s_partition)));
        _commits.GiveUp();
        Task<IReadOnlyList<BatchAnswer>> behind = _node.AcceptedAsync(_commits.Next(Batch(s_partition)));

        _node.Journal.ReleaseAppends();

        await Assert.ThrowsAsync<ActorStoppedException>(() => lost);
        Assert.Equal(0, Assert.Single(await AdvancingAsync(behind)).BaseOffset);
    }

    [Fact]
    public async Task Rule_5_an_owner_whose_lease_holds_answers_without_asking_the_journal()
    {
        int renewals = _node.Journal.Renewals;

        await _node.ReadAsync(s_partition, 0);

        Assert.Equal(renewals, _node.Journal.Renewals);
    }

    [Fact]
    public async Task Rule_5_an_owner_that_has_slept_renews_before_it_answers()
    {
        int renewals = await SleepAsync();
        _node.Journal.FailsRenewals = false;

        Assert.Equal(ErrorCode.None, (await _node.ReadAsync(s_partition, 0)).Ends.Error);

        Assert.Equal(renewals + 1, _node.Journal.Renewals);
    }

    [Fact]
    public async Task Rule_5_an_owner_that_cannot_renew_answers_nothing_not_even_a_refusal_or_a_repeat()
    {
        ObjectCommit commit = _commits.Next(Batch(s_partition));
        await _node.AcceptedAsync(commit);
        await SleepAsync();

        await AssertNoAnswerAsync();
        await Assert.ThrowsAsync<ActorStoppedException>(() => _node.CommitAsync(commit));
        await Assert.ThrowsAsync<ActorStoppedException>(
            () => _node.CommitAsync(_commits.Next(Batch(s_partition)) with { PreviousNumber = 50, Number = 51 }));
        await Assert.ThrowsAsync<ActorStoppedException>(() => _node.OpenAsync(s_partition));
        await Assert.ThrowsAsync<ActorStoppedException>(
            () => _node.AskAsync((Reply<DeleteRecordsReply> reply) => new SequencerMessage.DeleteRecords(s_partition, 99, reply)));
    }

    [Fact]
    public async Task Rule_5_an_owner_that_was_replaced_while_it_slept_never_answers()
    {
        await SleepAsync();
        await TakenOverByAnotherNodeAsync();
        _node.Journal.FailsRenewals = false;

        await AssertNoAnswerAsync();
        await AssertNoAnswerAsync();
    }

    [Fact]
    public async Task Rule_5_a_read_past_the_known_end_is_answered_only_with_a_proof_from_after_it()
    {
        int renewals = _node.Journal.Renewals;

        Assert.Equal(ErrorCode.OffsetOutOfRange, (await _node.ReadAsync(s_partition, 1)).Ends.Error);
        Assert.Equal(renewals + 1, _node.Journal.Renewals);

        await TakenOverByAnotherNodeAsync();
        await Assert.ThrowsAsync<ActorStoppedException>(() => _node.ReadAsync(s_partition, 1));
    }

    [Fact]
    public async Task Rule_5_a_question_that_waits_for_a_proof_is_failed_when_its_instance_ends()
    {
        _node.Journal.HoldRenewals();
        Task<PartitionExtents> question = _node.ReadAsync(s_partition, 99);
        _node.Journal.FailNext(AppendFault.LostButUnknown);
        await Assert.ThrowsAsync<ActorStoppedException>(() => _node.CommitAsync(_commits.Next(Batch(s_partition))));

        await Assert.ThrowsAsync<ActorStoppedException>(() => question);
    }

    [Fact]
    public async Task Rule_6_the_deadline_counts_in_the_append_however_long_the_commit_waited_for_it()
    {
        _node.Journal.HoldAppends();
        ObjectCommit commit = _commits.Next(Batch(s_partition));
        Task<CommitReply> late = _node.CommitAsync(commit);
        await Wait.UntilAsync(() => _node.Commits.Appends == 2, JournaledNode.Patience, "the write");
        _time.Advance(new TimeConstants().CommitDeadline + TimeSpan.FromMilliseconds(1));

        _node.Journal.ReleaseAppends();

        Assert.Equal(CommitRefusal.TooLate, (await late).Refusal);
        _commits.GiveUp();
        await _node.Leases.RenewAsync(Cancellation);
        Assert.Equal(0, Assert.Single(await _node.AcceptedAsync(_commits.Next(Batch(s_partition)))).BaseOffset);
    }

    [Fact]
    public async Task Rule_6_a_repeated_commit_gets_its_first_answers_through_a_restart()
    {
        ObjectCommit commit = _commits.Next(Batch(s_partition, 3), Batch(new TopicPartition(s_partition.TopicId, 99)));
        IReadOnlyList<BatchAnswer> first = await _node.AcceptedAsync(commit);
        await _node.AcceptedAsync(_commits.Next(Batch(s_partition)));
        await _node.RestartAsync();

        IReadOnlyList<BatchAnswer> again = await _node.AcceptedAsync(commit);

        Assert.Equal(first, again);
        Assert.Equal(4, (await _node.ReadAsync(s_partition, 0)).Ends.HighWatermark);
    }

    [Fact]
    public async Task Rule_7_the_order_of_a_nodes_commits_is_kept_through_a_new_instance()
    {
        await _node.AcceptedAsync(_commits.Next(Batch(s_partition)));
        ObjectCommit second = _commits.Next(Batch(s_partition));
        ObjectCommit third = _commits.Next(Batch(s_partition));
        _node.Journal.FailNext(AppendFault.LostButUnknown);
        await Assert.ThrowsAsync<ActorStoppedException>(() => _node.CommitAsync(second));

        Assert.Equal(CommitRefusal.OutOfTurn, (await AdvancingAsync(_node.CommitAsync(third))).Refusal);
        Assert.Equal(1, Assert.Single(await _node.AcceptedAsync(second)).BaseOffset);
        Assert.Equal(2, Assert.Single(await _node.AcceptedAsync(third)).BaseOffset);
    }

    [Fact]
    public async Task Rule_7_a_commit_that_was_rolled_back_for_sure_fails_alone_and_its_number_is_not_used()
    {
        _node.Journal.FailNext(AppendFault.RolledBack);
        Assert.Equal(CommitRefusal.NotWritten, (await _node.CommitAsync(_commits.Next(Batch(s_partition)))).Refusal);
        _commits.GiveUp();

        Assert.Equal(0, Assert.Single(await _node.AcceptedAsync(_commits.Next(Batch(s_partition)))).BaseOffset);
    }

    [Fact]
    public async Task Rule_10_an_event_of_a_later_version_keeps_the_sequencer_from_starting_with_a_clear_error()
    {
        Fence fence = _node.Leases.FenceOf(0)!.Value;
        await _node.Journal.AppendAsync(
            [
                new ActorWrite
                {
                    Fence = fence,
                    PersistenceId = "sequencer-0",
                    FirstSequenceNr = 2,
                    Events = [new EventRecord(999, 0, new byte[3])],
                },
            ],
            Cancellation);

        await _node.RestartAsync();

        await Wait.UntilAsync(() => _node.Log.Contains("event of kind 999"), JournaledNode.Patience, "the error");
        Task<PartitionExtents> read = _node.ReadAsync(s_partition, 0);
        _time.Advance(JournaledNode.AskDeadline);
        await Assert.ThrowsAsync<TimeoutException>(() => read);
    }

    private async Task TakenOverByAnotherNodeAsync()
    {
        NodeIncarnation other = await _node.Journal.RegisterNodeAsync(99, Cancellation);
        Assert.Single(await _node.Journal.TakeOverAsync(other, [0], s_lease, Cancellation));
    }

    /// <summary>Lets the lease run out while the journal cannot be reached, and gives the number of renewals that were tried.</summary>
    private async Task<int> SleepAsync()
    {
        _node.Journal.FailsRenewals = true;
        for (int i = 0; i < 4; i++)
        {
            await Wait.UntilAsync(() => _time.HasTimerIn(new TimeConstants().LeaseRenewal), JournaledNode.Patience, "the next renewal");
            _time.Advance(new TimeConstants().LeaseRenewal);
        }
        await Wait.UntilAsync(() => _time.HasTimerIn(new TimeConstants().LeaseRenewal), JournaledNode.Patience, "the next renewal");
        return _node.Journal.Renewals;
    }

    private async Task AssertNoAnswerAsync()
    {
        Task<PartitionExtents> read = _node.ReadAsync(s_partition, 0);
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => _time.AdvanceUntilAsync(read, TimeSpan.FromMinutes(1)));
        Assert.True(error is ActorStoppedException or TimeoutException && read.IsCompleted, error.Message);
    }

    /// <summary>Lets time pass for an actor that starts anew after a pause.</summary>
    private async Task<T> AdvancingAsync<T>(Task<T> task)
    {
        await _time.AdvanceUntilAsync(task, TimeSpan.FromMilliseconds(50));
        return await task;
    }

    private sealed class Watcher : IPartitionWatcher
    {
        public bool IsDone { get; private set; }

        public void Signal() => IsDone = true;
    }
}

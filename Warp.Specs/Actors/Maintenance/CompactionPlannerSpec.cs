using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Specs.Actors.Sequencing;
using Warp.Specs.Hosting;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Maintenance;

/// <summary>The planner on a real journal: who gets which job, what a death does, and when nothing is begun.</summary>
public sealed class CompactionPlannerSpec : IAsyncLifetime
{
    private static readonly CompactionPlannerSettings s_settings = new(TimeSpan.FromMinutes(1), 4, 1 << 20, 8 << 20);
    private static readonly CompactionResult s_done = new(1, 4, 1, 0, 4, 400, 500, 1000);
    private static readonly Guid s_topic = new("00112233-4455-6677-8899-aabbccddeeff");

    private readonly ManualTime _time = new();
    private JournaledNode _node = null!;
    private Committer[] _commits = null!;
    private ActorRef<CompactionMessage> _planner = null!;

    private NodeIncarnation Me => _node.Node;

    public async ValueTask InitializeAsync()
    {
        _node = await JournaledNode.StartAsync(_time, shards: 2);
        for (int partition = 0; partition < 2; partition++)
            await _node.OpenAsync(new TopicPartition(s_topic, partition));
        Start();
    }

    public async ValueTask DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task A_worker_gets_the_objects_that_are_worth_a_job_once_they_are_settled()
    {
        ObjectId[] ids = await CommitAsync(5);
        Task<CompactionJob> job = TakeAsync(Me);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, (await RunAsync()).Objects.Single().Level);
        Assert.False(job.IsCompleted);

        _time.Advance(TimeSpan.FromMinutes(2));
        CompactionJob taken = await job;

        Assert.Equal(ids.Order(), taken.Inputs.Select(static input => input.Id));
        Assert.Equal((1, 1 << 20), (taken.Level, taken.TargetBytes));
        CompactionStatus status = await DescribeAsync();
        CompactionJobStatus running = status.Running.Single();
        Assert.Equal((taken.JobId, Me.NodeId, 5), (running.JobId, running.NodeId, running.Inputs));
        Assert.Equal((5, 1000L), (status.Objects.Single().Objects, status.Objects.Single().LiveBytes));
    }

    [Fact]
    public async Task No_two_jobs_ever_have_the_same_inputs()
    {
        await CommitSettledAsync(5);
        CompactionJob first = await ForcedAsync(new NodeIncarnation(8, 1));
        ObjectId[] later = await CommitSettledAsync(5);

        CompactionJob second = await ForcedAsync(new NodeIncarnation(9, 1));

        Assert.Equal(later.Order(), second.Inputs.Select(static input => input.Id));
        Assert.Equal(2, (await DescribeAsync()).Running.Count);
        Task<CompactionJob> third = TakeAsync(new NodeIncarnation(10, 1));
        Assert.Empty((await RunAsync()).Waiting);
        Assert.False(third.IsCompleted);
    }

    [Fact]
    public async Task A_job_outlives_the_planner_and_can_be_finished_afterwards()
    {
        await CommitSettledAsync(5);
        CompactionJob job = await ForcedAsync(new NodeIncarnation(8, 1));
        await _node.RestartAsync();
        Start();

        Assert.True(await AskAsync<bool>(reply => new CompactionMessage.RenewJob(job.JobId, reply)));
        Assert.Equal(job.JobId, (await DescribeAsync()).Running.Single().JobId);
        Assert.True(await AskAsync<bool>(reply => new CompactionMessage.FinishJob(job.JobId, s_done, reply)));

        Assert.False(await AskAsync<bool>(reply => new CompactionMessage.FinishJob(job.JobId, s_done, reply)));
        Assert.False(await AskAsync<bool>(reply => new CompactionMessage.RenewJob(job.JobId, reply)));
        CompactionStatus status = await DescribeAsync();
        Assert.Equal((0, 1L, 5L, 500L), (status.Running.Count, status.Finished, status.CompactedObjects, status.WrittenBytes));
    }

    [Fact]
    public async Task A_worker_that_is_not_heard_of_loses_its_job_and_another_gets_its_inputs()
    {
        await CommitSettledAsync(5);
        CompactionJob job = await ForcedAsync(new NodeIncarnation(8, 1));
        _time.Advance(TimeSpan.FromMinutes(4));
        Assert.True(await AskAsync<bool>(reply => new CompactionMessage.RenewJob(job.JobId, reply)));
        _time.Advance(TimeSpan.FromMinutes(4));
        Assert.Single((await DescribeAsync()).Running);

        _time.Advance(TimeSpan.FromMinutes(2));

        await Wait.UntilAsync(() => DescribeAsync().Result.Running.Count == 0, JournaledNode.Patience, "the job to be given up");
        Assert.False(await AskAsync<bool>(reply => new CompactionMessage.RenewJob(job.JobId, reply)));
        CompactionJob again = await ForcedAsync(new NodeIncarnation(9, 1));
        Assert.Equal(job.Inputs, again.Inputs);
        Assert.NotEqual(job.JobId, again.JobId);
    }

    [Fact]
    public async Task A_node_that_was_started_anew_has_given_its_job_up()
    {
        await CommitSettledAsync(5);
        CompactionJob job = await ForcedAsync(Me);
        await _node.RestartAsync();
        Start();

        Task<CompactionJob> taking = TakeAsync(Me);
        await Wait.UntilAsync(() => DescribeAsync().Result.Running.Count == 0, JournaledNode.Patience, "the job to be given up");
        await RunAsync();
        CompactionJob again = await taking;

        Assert.Equal(job.Inputs, again.Inputs);
        Assert.Equal([again.JobId], (await DescribeAsync()).Running.Select(static running => running.JobId!.Value));
    }

    [Fact]
    public async Task A_job_goes_to_who_still_waits_for_one()
    {
        var other = new NodeIncarnation(Me.NodeId + 1, 1);
        Task<CompactionJob> repeated = TakeAsync(other);
        Task<CompactionJob> waiting = TakeAsync(other);
        await Assert.ThrowsAsync<ActorStoppedException>(() => repeated);
        var givenUp = new Reply<CompactionJob>();
        _planner.Tell(new CompactionMessage.TakeJob(new NodeIncarnation(Me.NodeId + 2, 1), givenUp));
        givenUp.Fail(new OperationCanceledException());
        await CommitSettledAsync(5);
        await RunAsync();
        Assert.Equal(5, (await waiting).Inputs.Count);

        await CommitSettledAsync(5);
        Assert.Equal(5, (await ForcedAsync(Me)).Inputs.Count);
        Assert.Equal(0, (await DescribeAsync()).WaitingWorkers);
    }

    [Fact]
    public async Task Failures_are_followed_by_pauses_that_double_and_a_success_ends_them()
    {
        await CommitSettledAsync(5);
        for (int failures = 1; failures <= 3; failures++)
        {
            CompactionJob job = await ForcedAsync(Me);
            Assert.True(await FailAsync(job, null));
            CompactionStatus status = await DescribeAsync();
            Assert.Equal(TimeSpan.FromSeconds(30 * Math.Pow(2, failures - 1)), status.NotBefore - _node.Leases.Clock.Now);
            Assert.Equal("as told", status.LastFailure);
        }
        Task<CompactionJob> waiting = TakeAsync(Me);
        _time.Advance(TimeSpan.FromMinutes(1));
        await DescribeAsync();
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromMinutes(2));
        CompactionJob last = await waiting;
        await AskAsync<bool>(reply => new CompactionMessage.FinishJob(last.JobId, s_done, reply));
        Assert.Null((await DescribeAsync()).NotBefore);
    }

    [Fact]
    public async Task Workers_that_are_lost_with_their_jobs_hold_compaction_up_for_a_moment_only()
    {
        await CommitSettledAsync(5);
        CompactionJob job = await ForcedAsync(Me);
        for (int losses = 1; losses <= 8; losses++)
        {
            Task<CompactionJob> next = TakeAsync(Me with { Incarnation = Me.Incarnation + losses });
            await Wait.UntilAsync(() => DescribeAsync().Result.Running.Count == 0, JournaledNode.Patience, "the job to be given up");
            TimeSpan pause = (await DescribeAsync()).NotBefore!.Value - _node.Leases.Clock.Now;
            Assert.Equal(TimeSpan.FromSeconds(Math.Min(30, Math.Pow(2, losses - 1))), pause);
            _time.Advance(pause);
            await RunAsync();
            job = await next;
        }
        await AskAsync<bool>(reply => new CompactionMessage.FinishJob(job.JobId, s_done, reply));
        Assert.Null((await DescribeAsync()).NotBefore);
    }

    [Fact]
    public async Task An_object_that_cannot_be_read_is_left_alone_and_the_others_are_not()
    {
        ObjectId[] ids = await CommitSettledAsync(6);
        CompactionJob job = await ForcedAsync(Me);

        await FailAsync(job, ids[2]);

        CompactionStatus status = await DescribeAsync();
        Assert.Null(status.NotBefore);
        Assert.Equal([ids[2].ToString()], status.Unreadable);
        CompactionJob next = await ForcedAsync(Me);
        Assert.Equal(ids.Except([ids[2]]).Order(), next.Inputs.Select(static input => input.Id));
        await FailAsync(next, null);
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(ids.Order(), (await ForcedAsync(Me)).Inputs.Select(static input => input.Id));
    }

    [Fact]
    public async Task Paused_compaction_begins_nothing_through_a_restart_until_it_is_resumed()
    {
        await CommitSettledAsync(5);
        await AskAsync<CompactionStatus>(static reply => new CompactionMessage.SetPaused(true, reply));
        await _node.RestartAsync();
        Start();
        Task<CompactionJob> job = TakeAsync(Me);
        Assert.Single((await RunAsync()).Waiting);
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.True((await DescribeAsync()).IsPaused);
        Assert.False(job.IsCompleted);

        await AskAsync<CompactionStatus>(static reply => new CompactionMessage.SetPaused(false, reply));

        Assert.Equal(5, (await job).Inputs.Count);
    }

    [Fact]
    public async Task A_refused_write_fails_the_question_and_nothing_has_happened()
    {
        await CommitSettledAsync(5);
        _node.Journal.FailNext(AppendFault.RolledBack, static write => write.PersistenceId == CompactionPlanner.Name);

        await Assert.ThrowsAsync<JournalException>(() => ForcedAsync(Me));

        Assert.Empty((await DescribeAsync()).Running);
        Assert.Equal(5, (await ForcedAsync(Me)).Inputs.Count);
    }

    private void Start()
    {
        _commits = [.. Enumerable.Range(0, 2).Select(i =>
            new Committer(Me, new Random((int)((10 * Me.Incarnation) + i)), () => _node.Leases.Clock.Now))];
        _planner = _node.System.Spawn(
            CompactionPlanner.Name, () => new CompactionPlanner(_node.Services, _node.Region, s_settings, new Random((int)Me.Incarnation)));
    }

    /// <summary>Objects that both shards have records in.</summary>
    private async Task<ObjectId[]> CommitAsync(int count)
    {
        var ids = new ObjectId[count];
        for (int i = 0; i < count; i++)
        {
            ObjectId? id = null;
            for (int partition = 0; partition < 2; partition++)
            {
                var key = new TopicPartition(s_topic, partition);
                int shard = _node.Region.ShardOf(key);
                ObjectCommit commit = _commits[shard].Next(Batch(key));
                commit = commit with { ObjectId = id ?? commit.ObjectId };
                id = commit.ObjectId;
                await JournaledNode.AskAsync(
                    _node.Region.Sequencer(shard), (Reply<CommitReply> reply) => new SequencerMessage.Commit(commit, reply));
            }
            ids[i] = id!.Value;
        }
        return ids;
    }

    private async Task<ObjectId[]> CommitSettledAsync(int count)
    {
        ObjectId[] ids = await CommitAsync(count);
        _time.Advance(TimeSpan.FromMinutes(3));
        return ids;
    }

    private Task<CompactionJob> TakeAsync(NodeIncarnation worker) =>
        AskAsync<CompactionJob>(reply => new CompactionMessage.TakeJob(worker, reply));

    /// <summary>Takes a job as a worker that somebody has woken.</summary>
    private async Task<CompactionJob> ForcedAsync(NodeIncarnation worker)
    {
        Task<CompactionJob> job = TakeAsync(worker);
        await RunAsync();
        return await job;
    }

    private Task<bool> FailAsync(CompactionJob job, ObjectId? culprit) =>
        AskAsync<bool>(reply => new CompactionMessage.FailJob(job.JobId, "as told", culprit, reply));

    private Task<CompactionStatus> RunAsync() => AskAsync<CompactionStatus>(static reply => new CompactionMessage.RunNow(reply));

    private Task<CompactionStatus> DescribeAsync() => AskAsync<CompactionStatus>(static reply => new CompactionMessage.Describe(reply));

    private Task<TReply> AskAsync<TReply>(Ask<CompactionMessage, TReply> question) => JournaledNode.AskAsync(_planner, question);
}

using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Actors;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Fetch;
using Xunit;

namespace Warp.Specs.Streams.Fetch;

/// <summary>How long a fetch waits, and what ends it.</summary>
public sealed class FetchPlannerWaitSpec : IAsyncLifetime
{
    private static readonly TimeSpan s_maxWait = TimeSpan.FromMinutes(3);

    private readonly ManualTime _time = new();
    private StreamsWorld _world = null!;
    private TopicPartition[] _topic = null!;
    private ObjectCommits _commits = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _world = await StreamsWorld.StartAsync(time: _time);
        _topic = await _world.OpenTopicAsync(5);
        _commits = new ObjectCommits(_world);
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Enough_bytes_are_returned_at_once()
    {
        byte[] batch = SampleBatches.Build("a");
        await _commits.WriteAsync((_topic[0], batch), (_topic[1], batch));
        PartitionRecords[] found = await FetchAsync(minBytes: 2 * batch.Length, (_topic[0], 0), (_topic[1], 0), (_topic[2], 0));
        Assert.Equal(["a", "a"], found.SelectMany(FetchPlannerSpec.Take));
    }

    [Fact]
    public async Task Too_few_bytes_are_returned_when_the_time_is_over()
    {
        await _commits.WriteAsync((_topic[0], SampleBatches.Build("a")));
        Task<PartitionRecords[]> fetch = FetchAsync(minBytes: 100_000, (_topic[0], 0));
        await UntilWaitingAsync();
        _time.Advance(s_maxWait - TimeSpan.FromTicks(1));
        Assert.False(fetch.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(["a"], FetchPlannerSpec.Take(Assert.Single(await fetch.WaitAsync(StreamsWorld.Patience, Stop))));
    }

    [Fact]
    public async Task A_commit_to_any_of_its_partitions_wakes_a_fetch()
    {
        foreach (TopicPartition written in _topic)
        {
            Task<PartitionRecords[]> fetch =
                FetchAsync(1, [.. _topic.Select(partition => (partition, partition.Partition < written.Partition ? 1L : 0L))]);
            await UntilWaitingAsync();
            await _commits.WriteAsync((written, SampleBatches.Build($"{written.Partition}")));
            PartitionRecords[] found = await fetch.WaitAsync(StreamsWorld.Patience, Stop);
            Assert.Equal([$"{written.Partition}"], found.SelectMany(FetchPlannerSpec.Take));
            Assert.Equal(1, found[written.Partition].Ends.HighWatermark);
        }
    }

    [Fact]
    public async Task A_commit_that_does_not_suffice_leaves_it_waiting_for_the_next()
    {
        byte[] batch = SampleBatches.Build("a");
        Task<PartitionRecords[]> fetch = FetchAsync(minBytes: 3 * batch.Length, (_topic[0], 0), (_topic[4], 0));
        await UntilWaitingAsync();
        await _commits.WriteAsync((_topic[0], batch));
        await _commits.WriteAsync((_topic[4], batch));
        await _commits.WriteAsync((_topic[0], batch));
        PartitionRecords[] found = await fetch.WaitAsync(StreamsWorld.Patience, Stop);
        Assert.Equal([2, 1], found.Select(static partition => FetchPlannerSpec.Take(partition).Count));
    }

    [Fact]
    public async Task Commits_to_others_do_not_end_the_wait()
    {
        Task<PartitionRecords[]> fetch = FetchAsync(1, (_topic[0], 0));
        await UntilWaitingAsync();
        // The same shard, and another one.
        await _commits.WriteAsync((_topic[4], SampleBatches.Build("x")), (_topic[1], SampleBatches.Build("x")));
        Assert.False(fetch.IsCompleted);
        await _commits.WriteAsync((_topic[0], SampleBatches.Build("a")));
        Assert.Equal(["a"], FetchPlannerSpec.Take(Assert.Single(await fetch.WaitAsync(StreamsWorld.Patience, Stop))));
    }

    [Fact]
    public async Task A_deletion_wakes_a_fetch()
    {
        Task<PartitionRecords[]> fetch = FetchAsync(1, (_topic[1], 0), (_topic[0], 0));
        await UntilWaitingAsync();
        ErrorCode deleted = await _world.Region.SequencerOf(_topic[0]).AskAsync<ErrorCode>(
            reply => new SequencerMessage.DeleteTopic(_topic[0].TopicId, reply), StreamsWorld.Patience, Stop);
        Assert.Equal(ErrorCode.None, deleted);
        PartitionRecords[] found = await fetch.WaitAsync(StreamsWorld.Patience, Stop);
        Assert.Equal([ErrorCode.None, ErrorCode.UnknownTopicOrPartition], found.Select(static partition => partition.Error));
    }

    [Fact]
    public async Task An_error_is_told_at_once()
    {
        PartitionRecords[] found = await FetchAsync(1, (_topic[0], 0), (_topic[1], 7)).WaitAsync(StreamsWorld.Patience, Stop);
        Assert.Equal([ErrorCode.None, ErrorCode.OffsetOutOfRange], found.Select(static partition => partition.Error));
    }

    [Fact]
    public async Task A_restarted_sequencer_does_not_leave_a_fetch_waiting_for_nothing()
    {
        Task<PartitionRecords[]> fetch = FetchAsync(1, (_topic[0], 0));
        await UntilWaitingAsync();
        _world.Journal.FailNext(AppendFault.CommittedButUnknown);
        Task<BatchAnswer> produced = _world.ProduceAsync(_topic[0], SampleBatches.Build("a"));
        await _time.AdvanceUntilAsync(produced, TimeSpan.FromMilliseconds(10));
        Assert.Equal(0, (await produced).BaseOffset);
        Assert.Equal(["a"], FetchPlannerSpec.Take(Assert.Single(await fetch.WaitAsync(StreamsWorld.Patience, Stop))));
    }

    [Fact]
    public async Task A_node_that_drains_lets_go_of_those_who_wait()
    {
        await _commits.WriteAsync((_topic[0], SampleBatches.Build("a")));
        Task<PartitionRecords[]> fetch = FetchAsync(minBytes: 100_000, (_topic[0], 0));
        await UntilWaitingAsync();
        await _world.Draining.CancelAsync();
        Assert.Equal(["a"], FetchPlannerSpec.Take(Assert.Single(await fetch.WaitAsync(StreamsWorld.Patience, Stop))));
        PartitionRecords[] late = await FetchAsync(minBytes: 100_000, (_topic[1], 0)).WaitAsync(StreamsWorld.Patience, Stop);
        Assert.Equal(ErrorCode.None, Assert.Single(late).Error);
    }

    [Fact]
    public async Task A_client_that_goes_ends_the_wait()
    {
        using var gone = new CancellationTokenSource();
        Task<PartitionRecords[]> fetch = _world.Planner.FetchAsync(Query(1, s_maxWait, (_topic[0], 0)), gone.Token);
        await UntilWaitingAsync();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fetch.WaitAsync(StreamsWorld.Patience, Stop));
        await _commits.WriteAsync((_topic[0], SampleBatches.Build("a")));
    }

    [Fact]
    public async Task More_than_the_answer_can_hold_is_not_waited_for()
    {
        await _commits.WriteAsync((_topic[0], SampleBatches.OfSize(5000)));
        PartitionQuery[] partitions = [new(_topic[0], 0, 1 << 20)];
        var query = new FetchQuery(partitions, MinBytes: 1 << 20, s_maxWait, MaxBytes: 5000, ReadCommitted: false);
        PartitionRecords[] found = await _world.Planner.FetchAsync(query, Stop).WaitAsync(StreamsWorld.Patience, Stop);
        Assert.Single(FetchPlannerSpec.Take(Assert.Single(found)));
    }

    [Fact]
    public async Task A_log_of_many_small_objects_is_read_without_waiting()
    {
        for (int i = 0; i < 300; i++)
            await _commits.WriteAsync((_topic[0], SampleBatches.Build($"{i}")));
        PartitionRecords[] found = await FetchAsync(minBytes: 100_000, (_topic[0], 0)).WaitAsync(StreamsWorld.Patience, Stop);
        List<string> values = FetchPlannerSpec.Take(Assert.Single(found));
        Assert.InRange(values.Count, 200, 299);
        Assert.Equal(Enumerable.Range(0, values.Count).Select(static i => $"{i}"), values);
    }

    private Task<PartitionRecords[]> FetchAsync(int minBytes, params (TopicPartition Partition, long Offset)[] partitions) =>
        _world.Planner.FetchAsync(Query(minBytes, s_maxWait, partitions), Stop);

    private static FetchQuery Query(int minBytes, TimeSpan maxWait, params (TopicPartition Partition, long Offset)[] partitions) =>
        new(
            [.. partitions.Select(static entry => new PartitionQuery(entry.Partition, entry.Offset, 1 << 20))],
            minBytes, maxWait, 1 << 22, ReadCommitted: false);

    private Task UntilWaitingAsync() => Wait.UntilAsync(() => _time.HasTimerIn(s_maxWait), StreamsWorld.Patience, "the fetch to wait");
}

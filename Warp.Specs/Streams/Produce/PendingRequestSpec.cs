using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Produce;

/// <summary>When a request and its batches may be used again.</summary>
public sealed class PendingRequestSpec
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_is_used_again_once_it_is_answered_and_its_asker_has_left()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(2);
        var request = new ReusableRequest(world, topic);
        world.Pipeline.Tell(new FlushMessage.Add(request));

        Assert.True(await request.WhenAnswered);
        Assert.All(request.Answers, static answer => Assert.Equal(ErrorCode.None, answer.Error));
        Assert.False(request.Recycled.IsCompleted);
        request.Leave();
        await request.Recycled.WaitAsync(StreamsWorld.Patience, Stop);
    }

    [Fact]
    public async Task A_request_whose_asker_has_left_is_not_used_again_before_all_its_batches_are_answered()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(2);
        world.Store.HoldPuts();
        var request = new ReusableRequest(world, topic);
        world.Pipeline.Tell(new FlushMessage.Add(request));
        request.Leave();
        HeldPut put = await world.Store.NextPutAsync(Stop);
        Assert.False(request.Recycled.IsCompleted);
        put.End(PutFate.Store);
        await request.Recycled.WaitAsync(StreamsWorld.Patience, Stop);
        Assert.Equal(1, await world.LogEndAsync(topic[0]));
        Assert.Equal(1, await world.LogEndAsync(topic[1]));
    }

    [Fact]
    public async Task A_client_whose_time_was_over_does_not_free_the_batches_that_go_on()
    {
        var time = new ManualTime();
        await using StreamsWorld world = await StreamsWorld.StartAsync(time: time);
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        world.Store.HoldPuts();
        var request = new ReusableRequest(world, topic, TimeSpan.FromSeconds(5));
        world.Pipeline.Tell(new FlushMessage.Add(request));
        Task<bool> whenAnswered = request.WhenAnswered.AsTask();
        HeldPut put = await world.Store.NextPutAsync(Stop);
        await time.AdvanceUntilAsync(whenAnswered, TimeSpan.FromSeconds(1));
        Assert.False(await whenAnswered);
        request.Leave();
        Assert.False(request.Recycled.IsCompleted);

        put.End(PutFate.Store);
        await request.Recycled.WaitAsync(StreamsWorld.Patience, Stop);
        Assert.Equal(ErrorCode.None, request.Answers[0].Error);
    }

    [Fact]
    public async Task A_request_that_was_being_put_when_the_pipeline_stopped_is_never_used_again()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        world.Store.HoldPuts();
        var request = new ReusableRequest(world, topic);
        world.Pipeline.Tell(new FlushMessage.Add(request));
        HeldPut put = await world.Store.NextPutAsync(Stop);
        await StopAndExpectNoUseAsync(world, request);
        put.End(PutFate.Store);
    }

    [Fact]
    public async Task A_request_that_had_been_gathered_when_the_pipeline_stopped_or_came_later_is_never_used_again()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync(
            new FlushSettings(TimeSpan.FromHours(1), 8 << 20, PutsPerSecond: 0, PutsInFlight: 1));
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        foreach (int _ in Enumerable.Range(0, 2))
        {
            var request = new ReusableRequest(world, topic);
            world.Pipeline.Tell(new FlushMessage.Add(request));
            await StopAndExpectNoUseAsync(world, request);
        }
    }

    [Fact]
    public async Task A_request_whose_commit_was_asked_for_twice_is_never_used_again()
    {
        var time = new ManualTime();
        await using StreamsWorld world = await StreamsWorld.StartAsync(time: time);
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        world.Journal.HoldAppends();
        long appends = world.Node.Commits.Appends;
        var request = new ReusableRequest(world, topic);
        world.Pipeline.Tell(new FlushMessage.Add(request));
        await Wait.UntilAsync(() => world.Node.Commits.Appends > appends, StreamsWorld.Patience, "the commit to come to the journal");
        // The question waits for ten seconds.
        for (int i = 0; i < 12; i++)
            time.Advance(TimeSpan.FromSeconds(1));
        Task<bool> whenAnswered = request.WhenAnswered.AsTask();
        world.Journal.ReleaseAppends();
        await time.AdvanceUntilAsync(whenAnswered, TimeSpan.FromMilliseconds(100));
        // Both questions are answered, the first one too late to count.
        Assert.Equal(new BatchAnswer(ErrorCode.None, 0, 0), request.Answers[0]);
        Assert.Equal(1, await world.LogEndAsync(topic[0]));
        request.Leave();
        Assert.False(request.Recycled.IsCompleted);
    }

    private static async Task StopAndExpectNoUseAsync(StreamsWorld world, ReusableRequest request)
    {
        await world.System.DisposeAsync();
        Assert.True(await request.WhenAnswered);
        Assert.Equal(ErrorCode.NotLeaderOrFollower, request.Answers[0].Error);
        request.Leave();
        Assert.False(request.Recycled.IsCompleted);
    }

    /// <summary>Says when it could be used again, but is not.</summary>
    private sealed class ReusableRequest : PendingRequest
    {
        private readonly TaskCompletionSource _recycled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly PendingBatch[] _all;

        public ReusableRequest(StreamsWorld world, TopicPartition[] partitions, TimeSpan? patience = null)
            : base([.. partitions.Select(partition => world.Batches.Pending(partition, SampleBatches.Build("a")))], patience ?? StreamsWorld.Patience) =>
            _all = Batches.ToArray();

        public Task Recycled => _recycled.Task;

        public IReadOnlyList<BatchAnswer> Answers =>
            [.. _all.Select(static batch => batch.TryGetAnswer(out BatchAnswer answer) ? answer : throw new InvalidOperationException("No answer yet."))];

        public new void Leave() => base.Leave();

        protected override void Recycle() => _recycled.SetResult();
    }
}

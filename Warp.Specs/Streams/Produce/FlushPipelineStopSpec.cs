using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Produce;

/// <summary>What a pipeline does with what it has when the node goes.</summary>
public sealed class FlushPipelineStopSpec
{
    private static readonly FlushSettings s_rarely = new(TimeSpan.FromHours(1), 8 << 20, PutsPerSecond: 0, PutsInFlight: 1);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_drain_flushes_what_there_is_and_ends_when_all_of_it_is_answered()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync(s_rarely);
        TopicPartition[] topic = await world.OpenTopicAsync(6);
        world.Store.HoldPuts();
        PendingBatch[] batches = [.. topic.Select(partition => world.Produce(partition, SampleBatches.Build("a")))];
        Assert.False(world.Store.AnyHeld);

        Task<bool> drain = world.DrainAsync();
        HeldPut put = await world.Store.NextPutAsync(Stop);
        PendingBatch straggler = world.Produce(topic[0], SampleBatches.Build("b"));
        Assert.False(drain.IsCompleted);
        put.End(PutFate.Store);
        (await world.Store.NextPutAsync(Stop)).End(PutFate.Store);
        Assert.True(await drain);

        Assert.All(batches, static batch => Assert.True(batch.Answer.IsCompleted));
        foreach (PendingBatch batch in batches)
            Assert.Equal(new BatchAnswer(ErrorCode.None, 0, 0), await batch.Answer);
        Assert.True(straggler.Answer.IsCompleted);
        Assert.Equal(new BatchAnswer(ErrorCode.None, 1, 0), await straggler.Answer);
        Assert.Equal(0, world.Batches.Live);
    }

    [Fact]
    public async Task A_drain_waits_for_commits()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        world.Journal.HoldAppends();
        long appends = world.Node.Commits.Appends;
        PendingBatch batch = world.Produce(topic[0], SampleBatches.Build("a"));
        Task<bool> drain = world.DrainAsync();
        await Wait.UntilAsync(() => world.Node.Commits.Appends > appends, StreamsWorld.Patience, "the commit to come to the journal");
        Assert.False(drain.IsCompleted);
        world.Journal.ReleaseAppends();
        await drain;
        Assert.True(batch.Answer.IsCompleted);
        Assert.Equal(new BatchAnswer(ErrorCode.None, 0, 0), await batch.Answer);
    }

    [Fact]
    public async Task A_drain_waits_for_batches_that_wait_for_their_predecessors()
    {
        var time = new ManualTime();
        await using StreamsWorld world = await StreamsWorld.StartAsync(time: time);
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        PendingBatch held = world.Produce(topic[0], SampleBatches.Build(7, 0, 5, "unknown, but it is not the first"));
        await world.ProduceAsync(topic[0], SampleBatches.Build("other"));
        Task<bool> drain = world.DrainAsync();
        await world.ProduceAsync(topic[0], SampleBatches.Build("so that the drain has been seen"));
        Assert.False(held.Answer.IsCompleted);
        await time.AdvanceUntilAsync(drain, TimeSpan.FromMilliseconds(100));
        Assert.True(held.Answer.IsCompleted);
        Assert.Equal(2, (await held.Answer).BaseOffset);
    }

    [Fact]
    public async Task A_drain_of_an_idle_pipeline_ends_at_once_and_the_pipeline_goes_on()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        Assert.True(await world.DrainAsync());
        Assert.Equal(0, (await world.ProduceAsync(topic[0], SampleBatches.Build("a"))).BaseOffset);
        Assert.True(await world.DrainAsync());
    }

    [Fact]
    public async Task A_pipeline_that_stops_fails_what_waits_for_others_with_an_error_that_clients_retry()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync(s_rarely);
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        PendingBatch gathered = world.Produce(topic[0], SampleBatches.Build("a"));
        await StopAndExpectRetriableAsync(world, gathered);
        Assert.Equal(0, world.Store.Puts);
    }

    [Fact]
    public async Task A_pipeline_that_stops_fails_what_is_being_put()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(5);
        world.Store.HoldPuts();
        PendingBatch[] batches = [.. topic.Select(partition => world.Batches.Pending(partition, SampleBatches.Build("a")))];
        world.Produce(batches);
        HeldPut put = await world.Store.NextPutAsync(Stop);
        await StopAndExpectRetriableAsync(world, batches);
        put.End(PutFate.Store);
    }

    [Fact]
    public async Task A_pipeline_that_stops_fails_what_is_being_committed()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        world.Journal.HoldAppends();
        long appends = world.Node.Commits.Appends;
        PendingBatch first = world.Produce(topic[0], SampleBatches.Build("a"));
        await Wait.UntilAsync(() => world.Node.Commits.Appends > appends, StreamsWorld.Patience, "the commit to come to the journal");
        PendingBatch second = world.Produce(topic[0], SampleBatches.Build("b"));
        await StopAndExpectRetriableAsync(world, first, second);
    }

    [Fact]
    public async Task A_pipeline_that_stops_fails_what_waits_for_a_predecessor()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        PendingBatch held = world.Produce(topic[0], SampleBatches.Build(7, 0, 5, "a"));
        await world.ProduceAsync(topic[0], SampleBatches.Build("other"));
        await StopAndExpectRetriableAsync(world, held);
    }

    private static async Task StopAndExpectRetriableAsync(StreamsWorld world, params PendingBatch[] batches)
    {
        Task stopped = world.System.DisposeAsync().AsTask();
        foreach (PendingBatch batch in batches)
            Assert.True((await StreamsWorld.AnswerAsync(batch)).Error.IsRetriable());
        world.Journal.ReleaseAppends();
        await stopped.WaitAsync(StreamsWorld.Patience, Stop);
        BatchAnswer late = await world.ProduceAsync(batches[0].Partition, SampleBatches.Build("late"));
        Assert.True(late.Error.IsRetriable());
        await Wait.UntilAsync(() => world.Batches.Live == 0, StreamsWorld.Patience, "all buffers to be given back");
    }
}

using Warp.Actors.Cluster;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Produce;

/// <summary>What the pipeline gathers, in which order it commits, and when it answers.</summary>
public sealed class FlushPipelineSpec
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_batch_is_answered_only_when_its_bytes_are_stored_and_its_offset_is_journaled()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        world.Store.HoldPuts();
        world.Journal.HoldAppends();
        long appends = world.Node.Commits.Appends;

        PendingBatch batch = world.Produce(topic[0], SampleBatches.Build("a", "b"));
        HeldPut put = await world.Store.NextPutAsync(Stop);
        Assert.Equal(appends, world.Node.Commits.Appends);
        Assert.False(batch.Answer.IsCompleted);
        put.End(PutFate.Store);
        await Wait.UntilAsync(() => world.Node.Commits.Appends > appends, StreamsWorld.Patience, "the commit to come to the journal");
        Assert.False(batch.Answer.IsCompleted);
        Assert.Equal(0, await world.LogEndAsync(topic[0]));
        world.Journal.ReleaseAppends();

        Assert.Equal(new BatchAnswer(ErrorCode.None, 0, 0), await StreamsWorld.AnswerAsync(batch));
        Assert.Equal(2, await world.LogEndAsync(topic[0]));
        Assert.Equal(["a", "b"], Values(await world.ReadLogAsync(topic[0])));
    }

    [Fact]
    public async Task An_object_that_is_encoded_but_not_stored_is_not_committed_while_other_flushes_finish()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(5);
        world.Store.HoldPuts();
        PendingBatch first = world.Produce(topic[0], SampleBatches.Build("first"));
        HeldPut firstPut = await world.Store.NextPutAsync(Stop);
        PendingBatch second = world.Produce(topic[4], SampleBatches.Build("second"));
        (await world.Store.NextPutAsync(Stop)).End(PutFate.Store);
        await LetOthersFinishAsync(world, topic[1]);

        Assert.Equal(world.Region.ShardOf(topic[0]), world.Region.ShardOf(topic[4]));
        Assert.Equal((0, 0), (await world.LogEndAsync(topic[0]), await world.LogEndAsync(topic[4])));
        Assert.False(first.Answer.IsCompleted);
        Assert.False(second.Answer.IsCompleted);

        firstPut.End(PutFate.FailForGood);
        Assert.Equal(ErrorCode.KafkaStorageError, (await StreamsWorld.AnswerAsync(first)).Error);
        Assert.Equal(ErrorCode.None, (await StreamsWorld.AnswerAsync(second)).Error);
        Assert.Equal((0, 1), (await world.LogEndAsync(topic[0]), await world.LogEndAsync(topic[4])));
    }

    [Fact]
    public async Task Flushes_commit_in_the_order_of_their_gathering_although_their_puts_end_in_another()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(2);
        world.Store.HoldPuts();
        var batches = new List<PendingBatch>();
        var puts = new List<HeldPut>();
        for (int i = 0; i < 4; i++)
        {
            batches.Add(world.Produce(topic[0], SampleBatches.Build($"{i}")));
            puts.Add(await world.Store.NextPutAsync(Stop));
        }
        for (int i = 3; i > 0; i--)
            puts[i].End(PutFate.Store);
        await LetOthersFinishAsync(world, topic[1]);
        Assert.All(batches, static batch => Assert.False(batch.Answer.IsCompleted));
        puts[0].End(PutFate.Store);

        for (int i = 0; i < 4; i++)
            Assert.Equal(new BatchAnswer(ErrorCode.None, i, 0), await StreamsWorld.AnswerAsync(batches[i]));
        Assert.Equal(["0", "1", "2", "3"], Values(await world.ReadLogAsync(topic[0])));
    }

    [Fact]
    public async Task A_slow_object_holds_up_its_own_shards_only()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(2);
        world.Store.HoldPuts();
        PendingBatch slow = world.Produce(topic[0], SampleBatches.Build("slow"));
        HeldPut slowPut = await world.Store.NextPutAsync(Stop);
        for (int i = 0; i < 10; i++)
        {
            PendingBatch quick = world.Produce(topic[1], SampleBatches.Build($"{i}"));
            (await world.Store.NextPutAsync(Stop)).End(PutFate.Store);
            Assert.Equal(i, (await StreamsWorld.AnswerAsync(quick)).BaseOffset);
        }
        slowPut.End(PutFate.Store);
        Assert.Equal(0, (await StreamsWorld.AnswerAsync(slow)).BaseOffset);
    }

    [Fact]
    public async Task One_object_holds_the_batches_of_many_partitions()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync(StreamsWorld.AtOnce with { PutsInFlight = 1 });
        TopicPartition[] topic = await world.OpenTopicAsync(40);
        world.Store.HoldPuts();
        PendingBatch opener = world.Produce(topic[0], SampleBatches.Build("opener"));
        HeldPut openerPut = await world.Store.NextPutAsync(Stop);
        PendingBatch[] batches =
            [.. topic.Select(partition => world.Batches.Pending(partition, SampleBatches.Build($"{partition.Partition}")))];
        world.Produce(batches[..25]);
        world.Produce(batches[25..]);
        openerPut.End(PutFate.Store);
        (await world.Store.NextPutAsync(Stop)).End(PutFate.Store);

        await StreamsWorld.AnswerAsync(opener);
        for (int i = 0; i < batches.Length; i++)
            Assert.Equal(new BatchAnswer(ErrorCode.None, i == 0 ? 1 : 0, 0), await StreamsWorld.AnswerAsync(batches[i]));
        Assert.Equal(2, world.Store.Puts);
        for (int i = 1; i < topic.Length; i++)
            Assert.Equal([$"{i}"], Values(await world.ReadLogAsync(topic[i])));
        Assert.Equal(["opener", "0"], Values(await world.ReadLogAsync(topic[0])));
    }

    [Fact]
    public async Task Objects_are_cut_at_their_size()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync(StreamsWorld.AtOnce with { SizeBytes = 10_000, PutsInFlight = 1 });
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        world.Store.HoldPuts();
        world.Produce(topic[0], SampleBatches.Build("opener"));
        HeldPut put = await world.Store.NextPutAsync(Stop);
        PendingBatch[] batches = [.. Enumerable.Range(0, 10).Select(_ => world.Batches.Pending(topic[0], SampleBatches.OfSize(3000)))];
        world.Produce(batches);
        var sizes = new List<int>();
        for (int done = 0; done < 10; done += sizes[^1])
        {
            put.End(PutFate.Store);
            put = await world.Store.NextPutAsync(Stop);
            sizes.Add(batches.Count(static batch => batch.Bytes.IsEmpty) - done);
        }
        put.End(PutFate.Store);

        Assert.Equal([4, 4, 2], sizes);
        for (int i = 0; i < 10; i++)
            Assert.Equal(i + 1, (await StreamsWorld.AnswerAsync(batches[i])).BaseOffset);
    }

    [Fact]
    public async Task No_more_puts_are_under_way_than_allowed()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync(StreamsWorld.AtOnce with { SizeBytes = 1, PutsInFlight = 3 });
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        world.Store.HoldPuts();
        List<PendingBatch> batches = [.. Enumerable.Range(0, 12).Select(i => world.Produce(topic[0], SampleBatches.Build($"{i}")))];
        HeldPut[] first = [await world.Store.NextPutAsync(Stop), await world.Store.NextPutAsync(Stop), await world.Store.NextPutAsync(Stop)];
        foreach (HeldPut put in first)
            put.End(PutFate.Store);
        for (int i = first.Length; i < 12; i++)
            (await world.Store.NextPutAsync(Stop)).End(PutFate.Store);

        for (int i = 0; i < 12; i++)
            Assert.Equal(i, (await StreamsWorld.AnswerAsync(batches[i])).BaseOffset);
        Assert.Equal((12, 3), (world.Store.Puts, world.Store.MostPutsUnderWay));
    }

    [Fact]
    public async Task Received_buffers_go_back_as_soon_as_the_object_is_encoded()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(3);
        world.Store.HoldPuts();
        PendingBatch[] batches = [.. topic.Select(partition => world.Batches.Pending(partition, SampleBatches.Build("a")))];
        Assert.Equal(3, world.Batches.Live);
        world.Produce(batches);
        HeldPut put = await world.Store.NextPutAsync(Stop);
        Assert.Equal(0, world.Batches.Live);
        put.End(PutFate.Store);
        foreach (PendingBatch batch in batches)
            Assert.Equal(ErrorCode.None, (await StreamsWorld.AnswerAsync(batch)).Error);
    }

    [Fact]
    public async Task A_batch_that_is_sent_again_while_its_first_copy_is_under_way_is_written_once()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        await world.ProduceAsync(topic[0], SampleBatches.Build("before"));
        world.Store.HoldPuts();
        byte[] bytes = SampleBatches.Build(7, 0, 0, "once", "and only once");
        PendingBatch first = world.Produce(topic[0], bytes);
        HeldPut firstPut = await world.Store.NextPutAsync(Stop);
        PendingBatch[] more = [world.Batches.Pending(topic[0], bytes), world.Batches.Pending(topic[0], bytes)];
        world.Produce(more);
        (await world.Store.NextPutAsync(Stop)).End(PutFate.Store);
        firstPut.End(PutFate.Store);

        foreach (PendingBatch batch in (PendingBatch[])[first, .. more])
            Assert.Equal(new BatchAnswer(ErrorCode.None, 1, 0), await StreamsWorld.AnswerAsync(batch));
        Assert.Equal(["before", "once", "and only once"], Values(await world.ReadLogAsync(topic[0])));
    }

    [Fact]
    public async Task A_batch_that_overtook_its_predecessor_waits_for_it()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync(times: new TimeConstants { HeldBatch = TimeSpan.FromMinutes(1) });
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        PendingBatch second = world.Produce(topic[0], SampleBatches.Build(7, 0, 1, "second"));
        PendingBatch other = world.Produce(topic[0], SampleBatches.Build("other"));
        Assert.Equal(0, (await StreamsWorld.AnswerAsync(other)).BaseOffset);
        PendingBatch first = world.Produce(topic[0], SampleBatches.Build(7, 0, 0, "first"));

        Assert.Equal(1, (await StreamsWorld.AnswerAsync(first)).BaseOffset);
        Assert.Equal(2, (await StreamsWorld.AnswerAsync(second)).BaseOffset);
        Assert.Equal(["other", "first", "second"], Values(await world.ReadLogAsync(topic[0])));
    }

    [Fact]
    public async Task Batches_wait_out_the_interval_when_there_is_no_budget()
    {
        var time = new ManualTime();
        TimeSpan interval = TimeSpan.FromMilliseconds(250);
        await using StreamsWorld world = await StreamsWorld.StartAsync(StreamsWorld.AtOnce with { Interval = interval }, time);
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        PendingBatch first = world.Produce(topic[0], SampleBatches.Build("first"));
        await Wait.UntilAsync(() => time.HasTimerIn(interval), StreamsWorld.Patience, "the pipeline to set its timer");
        time.Advance(interval - TimeSpan.FromMilliseconds(1));
        PendingBatch second = world.Produce(topic[0], SampleBatches.Build("second"));
        Assert.Equal(0, world.Store.Puts);
        time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(0, (await StreamsWorld.AnswerAsync(first)).BaseOffset);
        Assert.Equal(1, (await StreamsWorld.AnswerAsync(second)).BaseOffset);
        Assert.Equal(1, world.Store.Puts);
    }

    [Fact]
    public async Task A_lone_batch_waits_for_nothing_but_its_put()
    {
        var time = new ManualTime();
        var settings = new FlushSettings(TimeSpan.FromHours(1), 8 << 20, PutsPerSecond: 4, PutsInFlight: 4);
        await using StreamsWorld world = await StreamsWorld.StartAsync(settings, time);
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        for (int i = 0; i < 4; i++)
            Assert.Equal(i, (await world.ProduceAsync(topic[0], SampleBatches.Build("lone"))).BaseOffset);

        PendingBatch fifth = world.Produce(topic[0], SampleBatches.Build("one too many"));
        TimeSpan token = TimeSpan.FromMilliseconds(250);
        await Wait.UntilAsync(() => time.HasTimerIn(token), StreamsWorld.Patience, "the pipeline to wait for a token");
        Assert.False(fifth.Answer.IsCompleted);
        time.Advance(token);
        Assert.Equal(4, (await StreamsWorld.AnswerAsync(fifth)).BaseOffset);
    }

    [Fact]
    public async Task Clients_that_have_sent_all_that_they_may_do_not_wait_for_the_interval()
    {
        var time = new ManualTime();
        TimeSpan quiet = TimeSpan.FromMilliseconds(5);
        var settings = new FlushSettings(TimeSpan.FromHours(1), 1024, PutsPerSecond: 1, PutsInFlight: 4) { PutsPerSecondMax = 32, Quiet = quiet };
        await using StreamsWorld world = await StreamsWorld.StartAsync(settings, time);
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        await world.ProduceAsync(topic[0], SampleBatches.Build("takes the token"));
        world.Store.HoldPuts();
        var client = new SampleSource { UnansweredRequests = 2 };
        PendingBatch first = world.Produce(topic[0], SampleBatches.Build("first"), client);
        PendingBatch second = world.Produce(topic[0], SampleBatches.Build("second"), client);
        await Wait.UntilAsync(() => time.HasTimerIn(quiet), StreamsWorld.Patience, "the pipeline to await silence");
        client.Silence = quiet;
        time.Advance(quiet);
        HeldPut put = await world.Store.NextPutAsync(Stop);

        // One more, whose predecessors have no answer yet: their answer may have the client send still more.
        client.UnansweredRequests = 3;
        PendingBatch third = world.Produce(topic[0], SampleBatches.Build("third"), client);
        await Wait.UntilAsync(() => time.HasTimerIn(quiet), StreamsWorld.Patience, "the pipeline to look again");
        time.Advance(quiet);
        put.End(PutFate.Store);
        Assert.Equal((1, 2), ((await StreamsWorld.AnswerAsync(first)).BaseOffset, (await StreamsWorld.AnswerAsync(second)).BaseOffset));
        await Wait.UntilAsync(() => time.HasTimerIn(quiet), StreamsWorld.Patience, "the pipeline to look again");
        Assert.Equal(2, world.Store.Puts);
        client.UnansweredRequests = 1;
        time.Advance(quiet);
        (await world.Store.NextPutAsync(Stop)).End(PutFate.Store);
        Assert.Equal(3, (await StreamsWorld.AnswerAsync(third)).BaseOffset);
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_restart()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(8);
        for (int i = 0; i < 40; i++)
            await world.ProduceAsync(topic[i % 8], SampleBatches.Build(7, 0, i / 8, $"{i}"));
        await world.RestartAsync();
        for (int i = 0; i < 8; i++)
            Assert.Equal(Enumerable.Range(0, 5).Select(n => $"{i + (8 * n)}"), Values(await world.ReadLogAsync(topic[i])));
        Assert.Equal(4, (await world.ProduceAsync(topic[0], SampleBatches.Build(7, 0, 4, "32"))).BaseOffset);
        Assert.Equal(5, (await world.ProduceAsync(topic[0], SampleBatches.Build(7, 0, 5, "40"))).BaseOffset);
    }

    internal static IEnumerable<string> Values(IEnumerable<LogEntry> log) => log.Select(static entry => entry.Value);

    /// <summary>Has a batch of another shard go all the way, so that the pipeline has had its turns.</summary>
    private static async Task LetOthersFinishAsync(StreamsWorld world, TopicPartition other)
    {
        for (int i = 0; i < 3; i++)
        {
            PendingBatch batch = world.Produce(other, SampleBatches.Build("other"));
            (await world.Store.NextPutAsync(Stop)).End(PutFate.Store);
            Assert.Equal(ErrorCode.None, (await StreamsWorld.AnswerAsync(batch)).Error);
        }
    }
}

using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Actors;
using Warp.Specs.Hosting;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Produce;

/// <summary>What becomes of batches when the store or the journal fails under them.</summary>
public sealed class FlushPipelineFailureSpec
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_put_that_fails_for_good_fails_its_batches_with_an_error_that_clients_retry()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(6);
        world.Store.HoldPuts();
        PendingBatch[] failed = [.. topic.Select(partition => world.Batches.Pending(partition, SampleBatches.Build("failed")))];
        world.Produce(failed);
        (await world.Store.NextPutAsync(Stop)).End(PutFate.FailForGood);

        foreach (PendingBatch batch in failed)
        {
            BatchAnswer answer = await StreamsWorld.AnswerAsync(batch);
            Assert.Equal(BatchAnswer.Failed(ErrorCode.KafkaStorageError), answer);
            Assert.True(answer.Error.IsRetriable());
        }
        Assert.Equal(1, world.Store.Puts);
        Assert.Equal(0, world.Batches.Live);
        Assert.Empty(await world.Store.KeysAsync());

        world.Store.Script = null;
        foreach (TopicPartition partition in topic)
            Assert.Equal(0, (await world.ProduceAsync(partition, SampleBatches.Build("later"))).BaseOffset);
    }

    [Fact]
    public async Task A_failed_batchs_successors_fail_too_until_it_comes_again()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(5);
        byte[][] sent = [.. Enumerable.Range(0, 4).Select(i => SampleBatches.Build(7, 0, i, $"{i}"))];
        world.Store.HoldPuts();
        List<PendingBatch> pending = [];
        List<HeldPut> puts = [];
        foreach (byte[] bytes in sent)
        {
            pending.Add(world.Produce(topic[0], bytes));
            puts.Add(await world.Store.NextPutAsync(Stop));
        }
        puts[1].End(PutFate.FailForGood);
        puts[3].End(PutFate.Store);
        puts[2].End(PutFate.Store);
        puts[0].End(PutFate.Store);
        Assert.Equal(new BatchAnswer(ErrorCode.None, 0, 0), await StreamsWorld.AnswerAsync(pending[0]));
        foreach (PendingBatch batch in pending[1..])
            Assert.Equal(BatchAnswer.Failed(ErrorCode.KafkaStorageError), await StreamsWorld.AnswerAsync(batch));

        world.Store.Script = null;
        Assert.Equal(0, (await world.ProduceAsync(topic[4], SampleBatches.Build(7, 0, 0, "another partition"))).BaseOffset);
        Assert.Equal(1, (await world.ProduceAsync(topic[0], SampleBatches.Build(8, 0, 0, "another producer"))).BaseOffset);
        Assert.Equal(ErrorCode.KafkaStorageError, (await world.ProduceAsync(topic[0], sent[2])).Error);
        Assert.Equal(0, (await world.ProduceAsync(topic[0], sent[0])).BaseOffset);
        Assert.Equal(ErrorCode.KafkaStorageError, (await world.ProduceAsync(topic[0], sent[2])).Error);
        PendingBatch[] again = [.. sent[1..].Select(bytes => world.Batches.Pending(topic[0], bytes))];
        world.Produce(again);
        for (int i = 0; i < again.Length; i++)
            Assert.Equal(new BatchAnswer(ErrorCode.None, i + 2, 0), await StreamsWorld.AnswerAsync(again[i]));

        Assert.Equal(["0", "another producer", "1", "2", "3"], FlushPipelineSpec.Values(await world.ReadLogAsync(topic[0])));
        Assert.Equal(["another partition"], FlushPipelineSpec.Values(await world.ReadLogAsync(topic[4])));
    }

    [Fact]
    public async Task A_put_whose_reply_was_lost_is_committed_once()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(2);
        world.Store.HoldPuts();
        PendingBatch batch = world.Produce(topic[0], SampleBatches.Build("a"));
        HeldPut first = await world.Store.NextPutAsync(Stop);
        first.End(PutFate.StoreButFail);
        HeldPut second = await world.Store.NextPutAsync(Stop);
        Assert.Equal(first.Key, second.Key);
        Assert.False(batch.Answer.IsCompleted);
        second.End(PutFate.Store);

        Assert.Equal(new BatchAnswer(ErrorCode.None, 0, 0), await StreamsWorld.AnswerAsync(batch));
        Assert.Equal([first.Key], await world.Store.KeysAsync());
        Assert.Equal(["a"], FlushPipelineSpec.Values(await world.ReadLogAsync(topic[0])));
    }

    [Fact]
    public async Task A_put_that_fails_for_now_is_tried_until_the_commits_deadline()
    {
        var time = new ManualTime();
        var times = new TimeConstants();
        await using StreamsWorld world = await StreamsWorld.StartAsync(time: time, times: times);
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        world.Store.Script = static _ => Task.FromResult(PutFate.FailForNow);
        DateTimeOffset start = time.GetUtcNow();
        PendingBatch batch = world.Produce(topic[0], SampleBatches.Build(7, 0, 0, "a"));
        await time.AdvanceUntilAsync(batch.Answer, TimeSpan.FromSeconds(1));

        Assert.Equal(BatchAnswer.Failed(ErrorCode.KafkaStorageError), await batch.Answer);
        Assert.InRange(time.GetUtcNow() - start, times.CommitDeadline, times.CommitDeadline + TimeSpan.FromSeconds(10));
        Assert.InRange(world.Store.Puts, 50, 250);
        Assert.Equal(0, world.Batches.Live);
        world.Store.Script = null;
        Assert.Equal(0, (await world.ProduceAsync(topic[0], SampleBatches.Build(7, 0, 0, "a"))).BaseOffset);
    }

    [Fact]
    public async Task A_commit_after_its_deadline_is_refused_and_the_next_one_is_not()
    {
        var time = new ManualTime();
        await using StreamsWorld world = await StreamsWorld.StartAsync(time: time);
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        await world.ProduceAsync(topic[0], SampleBatches.Build("before"));
        world.Store.HoldPuts();
        PendingBatch late = world.Produce(topic[0], SampleBatches.Build("late"));
        HeldPut put = await world.Store.NextPutAsync(Stop);
        time.Advance(new TimeConstants().CommitDeadline + TimeSpan.FromSeconds(1));
        put.End(PutFate.Store);

        Assert.Equal(BatchAnswer.Failed(ErrorCode.KafkaStorageError), await StreamsWorld.AnswerAsync(late));
        world.Store.Script = null;
        Assert.Equal(1, (await world.ProduceAsync(topic[0], SampleBatches.Build("after"))).BaseOffset);
        Assert.Equal(["before", "after"], FlushPipelineSpec.Values(await world.ReadLogAsync(topic[0])));
    }

    [Theory]
    [InlineData(AppendFault.CommittedButUnknown)]
    [InlineData(AppendFault.LostButUnknown)]
    [InlineData(AppendFault.Throws)]
    internal async Task A_commit_whose_outcome_is_unknown_takes_effect_once(AppendFault fault)
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync(shards: 1);
        TopicPartition[] topic = await world.OpenTopicAsync(2);
        await world.ProduceAsync(topic[0], SampleBatches.Build("before"));
        long epoch = world.Node.Leases.FenceOf(0)!.Value.Epoch;
        world.Journal.FailNext(fault);

        PendingBatch plain = world.Produce(topic[0], SampleBatches.Build("plain"));
        PendingBatch idempotent = world.Produce(topic[1], SampleBatches.Build(7, 0, 0, "idempotent"));
        PendingBatch next = world.Produce(topic[1], SampleBatches.Build(7, 0, 1, "next"));

        Assert.Equal(new BatchAnswer(ErrorCode.None, 1, 0), await StreamsWorld.AnswerAsync(plain));
        Assert.Equal(new BatchAnswer(ErrorCode.None, 0, 0), await StreamsWorld.AnswerAsync(idempotent));
        Assert.Equal(new BatchAnswer(ErrorCode.None, 1, 0), await StreamsWorld.AnswerAsync(next));
        Assert.True(world.Node.Leases.FenceOf(0)!.Value.Epoch > epoch);
        Assert.Equal(["before", "plain"], FlushPipelineSpec.Values(await world.ReadLogAsync(topic[0])));
        Assert.Equal(["idempotent", "next"], FlushPipelineSpec.Values(await world.ReadLogAsync(topic[1])));
    }

    [Fact]
    public async Task A_commit_that_the_journal_rolls_back_fails_and_its_successors_wait_for_it()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        world.Journal.FailNext(AppendFault.RolledBack);
        byte[][] sent = [SampleBatches.Build(7, 0, 0, "0"), SampleBatches.Build(7, 0, 1, "1")];
        Assert.Equal(BatchAnswer.Failed(ErrorCode.KafkaStorageError), await world.ProduceAsync(topic[0], sent[0]));
        Assert.Equal(BatchAnswer.Failed(ErrorCode.KafkaStorageError), await world.ProduceAsync(topic[0], sent[1]));
        Assert.Equal(0, (await world.ProduceAsync(topic[0], sent[0])).BaseOffset);
        Assert.Equal(1, (await world.ProduceAsync(topic[0], sent[1])).BaseOffset);
        Assert.Equal(["0", "1"], FlushPipelineSpec.Values(await world.ReadLogAsync(topic[0])));
    }

    [Fact]
    public async Task The_number_of_a_commit_that_was_given_up_is_not_used_again()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        int before = world.Journal.Appends.Count;
        world.Journal.FailNext(AppendFault.None, AppendFault.RolledBack, AppendFault.RolledBack);
        for (int i = 0; i < 4; i++)
            await world.ProduceAsync(topic[0], SampleBatches.Build("a"));
        var codec = new EventCodec(EventSpecs.All);
        IEnumerable<ObjectCommitted> commits = world.Journal.Appends.Skip(before).SelectMany(static append => append)
            .SelectMany(write => write.Events.Select(record => codec.Decode(write.PersistenceId, record))).OfType<ObjectCommitted>();
        Assert.Equal([1, 2, 3, 4], commits.Select(static commit => commit.Number));
    }

    [Fact]
    public async Task A_held_batch_that_is_lost_with_its_sequencer_is_waited_for_like_any_that_failed()
    {
        var times = new TimeConstants { HeldBatch = TimeSpan.FromMinutes(1) };
        await using StreamsWorld world = await StreamsWorld.StartAsync(shards: 1, times: times);
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        byte[][] sent = [.. Enumerable.Range(0, 3).Select(i => SampleBatches.Build(7, 0, i, $"{i}"))];
        PendingBatch held = world.Produce(topic[0], sent[1]);
        await world.ProduceAsync(topic[0], SampleBatches.Build("other"));
        Assert.False(held.Answer.IsCompleted);
        world.Journal.FailNext(AppendFault.CommittedButUnknown);
        await world.ProduceAsync(topic[0], SampleBatches.Build("the one that is lost"));

        ErrorCode error = (await StreamsWorld.AnswerAsync(held)).Error;
        Assert.True(error.IsRetriable());
        Assert.Equal(error, (await world.ProduceAsync(topic[0], sent[2])).Error);
        PendingBatch[] again = [.. sent.Select(bytes => world.Batches.Pending(topic[0], bytes))];
        world.Produce(again);
        for (int i = 0; i < again.Length; i++)
            Assert.Equal(i + 2, (await StreamsWorld.AnswerAsync(again[i])).BaseOffset);
    }
}

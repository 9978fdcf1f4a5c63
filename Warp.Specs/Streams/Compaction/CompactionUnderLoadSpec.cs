using Warp.Actors.Cluster;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Fetch;
using Xunit;

namespace Warp.Specs.Streams.Compaction;

/// <summary>Producers and consumers at work while their objects are merged, again and again, and deleted behind them.</summary>
public sealed class CompactionUnderLoadSpec
{
    private static readonly TimeSpan s_load = TestRun.IsLong ? TimeSpan.FromSeconds(60) : TimeSpan.FromSeconds(4);

    [Fact]
    public async Task Consumers_read_every_record_once_and_in_order_while_objects_are_merged()
    {
        // Objects are fit to be merged a second after they were written. A machine that is busy for so long has commits refused.
        var times = new TimeConstants { CommitDeadline = TimeSpan.FromSeconds(1), AnswerMemory = TimeSpan.FromSeconds(1) };
        await using CompactionWorld world = await CompactionWorld.StartAsync(times: times);
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(8);
        world.StartPlanner(new CompactionPlannerSettings(TimeSpan.FromMilliseconds(200), 4, 1 << 20, 4 << 20));

        using var loading = new CancellationTokenSource(s_load);
        Task<int>[] produced = [.. topic.Select(partition => ProduceAsync(world, partition, loading.Token))];
        Task<int>[] consumed = [.. topic.Concat(topic).Select(partition => ConsumeAsync(world, partition, Task.WhenAll(produced)))];

        int[] counts = await Task.WhenAll(produced);
        Assert.Equal(counts.Concat(counts), await Task.WhenAll(consumed));
        CompactionStatus status = await world.DescribeAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{counts.Sum()} records, {status.Finished} jobs, {status.CompactedObjects} objects merged");
        Assert.Equal((0L, null), (status.Failed, status.LastFailure));
        Assert.InRange(status.Finished, 2, int.MaxValue);
        for (int i = 0; i < topic.Length; i++)
        {
            List<LogEntry> log = await world.Streams.ReadLogAsync(topic[i]);
            Assert.Equal(Enumerable.Range(0, counts[i]).Select(static n => $"{n}"), log.Select(static entry => entry.Value));
        }
    }

    private static async Task<int> ProduceAsync(CompactionWorld world, TopicPartition partition, CancellationToken loading)
    {
        int next = 0;
        while (!loading.IsCancellationRequested)
        {
            BatchAnswer answer = await world.Streams.ProduceAsync(partition, SampleBatches.Build($"{next}", $"{next + 1}"));
            if (answer.Error == ErrorCode.KafkaStorageError)
                continue;
            Assert.Equal((ErrorCode.None, (long)next), (answer.Error, answer.BaseOffset));
            next += 2;
        }
        return next;
    }

    /// <summary>Follows a partition with no cache, from its start to the end of the load.</summary>
    private static async Task<int> ConsumeAsync(CompactionWorld world, TopicPartition partition, Task producers)
    {
        long next = 0;
        while (true)
        {
            bool isLast = producers.IsCompleted;
            var query = new FetchQuery([new PartitionQuery(partition, next, 64 << 10)], 1, TimeSpan.FromMilliseconds(50), 64 << 10, false);
            PartitionRecords found = Assert.Single(await world.Streams.ColdPlanner().FetchAsync(query, CancellationToken.None));
            using RecordSet records = found.Records;
            Assert.Equal(ErrorCode.None, found.Error);
            foreach (RecordBatch batch in RecordBatches.Enumerate(records.Memory))
            {
                Assert.InRange(next, batch.Header.BaseOffset, batch.Header.LastOffset);
                foreach (LogEntry entry in LogEntry.Of(batch).Where(entry => entry.Offset >= next))
                    Assert.Equal($"{next++}", entry.Value);
            }
            if (isLast && records.Length == 0)
                return (int)next;
        }
    }
}

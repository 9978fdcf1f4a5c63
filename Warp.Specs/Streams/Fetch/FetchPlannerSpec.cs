using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Cache;
using Warp.Streams.Fetch;
using Warp.Streams.Format;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Fetch;

/// <summary>What a fetch returns: budgets, order, errors of single partitions, and what becomes of the memory.</summary>
public sealed class FetchPlannerSpec
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Partitions_are_answered_in_the_order_of_the_query_each_with_its_own_error()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(6);
        TopicPartition unknown = topic[0] with { Partition = 99 };
        await new ObjectCommits(world).WriteAsync(
            [.. topic.Select(partition => (partition, SampleBatches.Build($"{partition.Partition}", "more")))]);

        PartitionRecords[] found = await FetchAsync(
            world.Planner, (topic[5], 0), (unknown, 0), (topic[2], 1), (topic[3], 2), (topic[4], 3), (topic[1], -1), (topic[0], 0));

        Assert.Equal(
            [
                ErrorCode.None, ErrorCode.UnknownTopicOrPartition, ErrorCode.None, ErrorCode.None,
                ErrorCode.OffsetOutOfRange, ErrorCode.OffsetOutOfRange, ErrorCode.None,
            ],
            found.Select(static partition => partition.Error));
        Assert.Equal(new LogEnds(ErrorCode.None, 0, 2, 2, found[0].Ends.SizeBytes), found[0].Ends);
        Assert.Equal(["5", "more"], Take(found[0]));
        Assert.Equal(["2", "more"], Take(found[2]));
        Assert.Equal(["0", "more"], Take(found[6]));
        Assert.All(found[3..6], static partition => Assert.Equal(0, partition.Records.Length));
        Assert.All(found, static partition => Assert.False(partition.Records.IsNull));
    }

    [Fact]
    public async Task The_byte_budget_is_spent_in_the_order_of_the_query()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(4);
        byte[] batch = SampleBatches.OfSize(1000);
        int size = batch.Length;
        await new ObjectCommits(world).WriteAsync([.. from partition in topic from _ in Enumerable.Range(0, 3) select (partition, batch)]);

        Assert.Equal((int[])[3, 2, 0, 0], await CountsAsync(maxBytes: 5 * size, partitionMaxBytes: 9 * size));
        Assert.Equal((int[])[2, 2, 1, 0], await CountsAsync(maxBytes: (6 * size) - 1, partitionMaxBytes: 2 * size));
        Assert.Equal((int[])[1, 1, 1, 1], await CountsAsync(maxBytes: 100 * size, partitionMaxBytes: size));
        Assert.Equal((int[])[3, 3, 3, 3], await CountsAsync(maxBytes: 100 * size, partitionMaxBytes: 100 * size));

        async Task<int[]> CountsAsync(int maxBytes, int partitionMaxBytes)
        {
            PartitionQuery[] partitions = [.. topic.Select(partition => new PartitionQuery(partition, 0, partitionMaxBytes))];
            PartitionRecords[] found = await world.Planner.FetchAsync(new FetchQuery(partitions, 1, TimeSpan.Zero, maxBytes, false), Stop);
            return [.. found.Select(static partition => Take(partition).Count)];
        }
    }

    [Fact]
    public async Task A_batch_larger_than_every_limit_is_returned_once_as_the_first()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(4);
        byte[] batch = SampleBatches.OfSize(1000);
        await new ObjectCommits(world).WriteAsync((topic[1], batch), (topic[1], batch), (topic[2], batch), (topic[3], batch));
        PartitionQuery[] partitions = [.. topic.Select(static partition => new PartitionQuery(partition, 0, 10))];
        PartitionRecords[] found = await world.Planner.FetchAsync(new FetchQuery(partitions, 1, TimeSpan.Zero, 10, false), Stop);
        Assert.Equal([0, 1, 0, 0], found.Select(static partition => Take(partition).Count));
    }

    [Fact]
    public async Task A_batch_that_is_larger_than_its_neighbours_is_returned_when_the_budget_has_room()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(2);
        (TopicPartition, byte[])[] small = [.. Enumerable.Repeat((topic[1], SampleBatches.Build("small")), 50)];
        await new ObjectCommits(world).WriteAsync(
            [(topic[0], SampleBatches.Build("first")), .. small, (topic[1], SampleBatches.OfSize(50_000))]);
        PartitionRecords[] found = await FetchAsync(world.Planner, (topic[0], 0), (topic[1], 50));
        Assert.Equal([1, 1], found.Select(static partition => Take(partition).Count));
    }

    [Fact]
    public async Task Objects_that_are_missing_or_damaged_fail_their_partitions_alone()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(4);
        byte[] batch = SampleBatches.Build("a");
        var commits = new ObjectCommits(world);
        await commits.WriteAsync((topic[0], batch), (topic[3], batch));
        commits.Damage = static _ => null;
        await commits.WriteAsync((topic[1], batch));
        commits.Damage = static bytes => [.. bytes.Select(static b => (byte)(b ^ 0x55))];
        await commits.WriteAsync((topic[2], batch));

        PartitionRecords[] found = await FetchAsync(world.Planner, [.. topic.Select(static partition => (partition, 0L))]);

        Assert.Equal(
            [ErrorCode.None, ErrorCode.KafkaStorageError, ErrorCode.KafkaStorageError, ErrorCode.None],
            found.Select(static partition => partition.Error));
        Assert.Equal([1, 0, 0, 1], found.Select(static partition => Take(partition).Count));
        Assert.All(found, static partition => Assert.Equal(1, partition.Ends.HighWatermark));
    }

    [Fact]
    public async Task What_lies_before_a_missing_object_can_be_read()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        var commits = new ObjectCommits(world);
        await commits.WriteAsync((topic[0], SampleBatches.Build("a", "b")));
        commits.Damage = static _ => null;
        await commits.WriteAsync((topic[0], SampleBatches.Build("gone")));

        PartitionRecords before = Assert.Single(await FetchAsync(world.Planner, (topic[0], 0)));
        Assert.Equal(ErrorCode.None, before.Error);
        Assert.Equal(["a", "b"], Take(before));
        Assert.Equal(ErrorCode.KafkaStorageError, Assert.Single(await FetchAsync(world.Planner, (topic[0], 2))).Error);
    }

    [Fact]
    public async Task Partitions_of_a_shard_whose_owner_cannot_prove_itself_are_asked_for_again_later()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(2);
        await new ObjectCommits(world).WriteAsync((topic[0], SampleBatches.Build("a")), (topic[1], SampleBatches.Build("b")));
        world.Journal.FailsRenewals = true;
        PartitionRecords[] found = await FetchAsync(world.Planner, (topic[0], 10), (topic[1], 0));
        Assert.Equal([ErrorCode.NotLeaderOrFollower, ErrorCode.None], found.Select(static partition => partition.Error));
        Assert.Equal(["b"], Take(found[1]));

        world.Journal.FailsRenewals = false;
        Assert.Equal(ErrorCode.OffsetOutOfRange, Assert.Single(await FetchAsync(world.Planner, (topic[0], 10))).Error);
    }

    [Fact]
    public async Task A_node_whose_actors_have_stopped_sends_consumers_elsewhere()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(2);
        await world.System.DisposeAsync();
        PartitionRecords[] found = await FetchAsync(world.Planner, (topic[0], 0), (topic[1], 0));
        Assert.All(found, static partition => Assert.Equal(ErrorCode.NotLeaderOrFollower, partition.Error));
    }

    [Fact]
    public async Task A_fetch_without_partitions_is_answered_at_once()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        Assert.Empty(await world.Planner.FetchAsync(new FetchQuery([], 1, TimeSpan.FromHours(1), 1000, false), Stop));
    }

    [Fact]
    public async Task A_cancelled_fetch_gives_back_what_it_had_read()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(2);
        var commits = new ObjectCommits(world);
        await commits.WriteAsync((topic[0], SampleBatches.OfSize(5000)));
        PooledBuffer quick = await HoldChunkAsync(world, commits.LastId);
        // Two chunks, of which the first is in memory: this read is stopped in the middle.
        await commits.WriteAsync((topic[1], SampleBatches.OfSize(5000)), (topic[1], SampleBatches.OfSize(ObjectFormat.ChunkSize)));
        PooledBuffer half = await HoldChunkAsync(world, commits.LastId);
        var gate = new TaskCompletionSource();
        world.Store.ReadGate = gate.Task;
        using var cancellation = new CancellationTokenSource();
        PartitionQuery[] partitions = [new(topic[0], 0, 1 << 23), new(topic[1], 0, 1 << 23)];

        Task<PartitionRecords[]> fetch =
            world.Planner.FetchAsync(new FetchQuery(partitions, 1, TimeSpan.Zero, 1 << 24, false), cancellation.Token);
        await Wait.UntilAsync(() => world.Chunks.LoadingBytes > 0, StreamsWorld.Patience, "the fetch to wait for the second chunk");
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fetch);
        gate.SetResult();

        await AssertLastReferenceAsync(world, quick, half);
    }

    [Fact]
    public async Task A_fetch_that_fails_half_way_gives_back_what_it_had_read()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        var commits = new ObjectCommits(world);
        await commits.WriteAsync((topic[0], SampleBatches.OfSize(5000)), (topic[0], SampleBatches.OfSize(ObjectFormat.ChunkSize)));
        PooledBuffer half = await HoldChunkAsync(world, commits.LastId);
        world.Store.ReadFailure = static key => new ObjectStoreException("scripted:", key, "No.", isTransient: true);
        PartitionQuery[] partitions = [new(topic[0], 0, 1 << 23)];
        PartitionRecords[] found = await world.Planner.FetchAsync(new FetchQuery(partitions, 1, TimeSpan.Zero, 1 << 24, false), Stop);
        Assert.Equal(ErrorCode.KafkaStorageError, Assert.Single(found).Error);
        await AssertLastReferenceAsync(world, half);
    }

    [Fact]
    public async Task Records_hold_on_to_their_bytes_until_they_are_disposed()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        var commits = new ObjectCommits(world);
        await commits.WriteAsync((topic[0], SampleBatches.OfSize(5000)));
        PooledBuffer chunk = await HoldChunkAsync(world, commits.LastId);
        PartitionRecords found = Assert.Single(await FetchAsync(world.Planner, (topic[0], 0)));
        world.Chunks.Dispose();
        chunk.Release();
        Assert.NotEqual(0, chunk.Memory.Length);
        Assert.Single(Take(found));
        Assert.Throws<ObjectDisposedException>(() => chunk.Memory);
    }

    /// <summary>Values of a partition's records, which are given back.</summary>
    internal static List<string> Take(PartitionRecords found)
    {
        using RecordSet records = found.Records;
        return [.. RecordBatches.Enumerate(records.Memory.ToArray()).SelectMany(LogEntry.Of).Select(static entry => entry.Value)];
    }

    private static Task<PartitionRecords[]> FetchAsync(FetchPlanner planner, params (TopicPartition Partition, long Offset)[] partitions) =>
        planner.FetchAsync(
            new FetchQuery(
                [.. partitions.Select(static entry => new PartitionQuery(entry.Partition, entry.Offset, 1 << 20))],
                1, TimeSpan.Zero, 1 << 22, ReadCommitted: false),
            Stop);

    /// <summary>The first chunk of an object, in memory and with a reference of the test's own.</summary>
    private static async Task<PooledBuffer> HoldChunkAsync(StreamsWorld world, ObjectId id)
    {
        string key = world.Keys.Object(0, id);
        ChunkLease lease = await world.Chunks.GetAsync(id, key, 0, await world.Store.HeadAsync(key, Stop), Stop);
        return lease.Buffer;
    }

    /// <summary>Checks that nobody but the cache and the test has a reference.</summary>
    private static async Task AssertLastReferenceAsync(StreamsWorld world, params PooledBuffer[] chunks)
    {
        await Wait.UntilAsync(() => world.Chunks.LoadingBytes == 0, StreamsWorld.Patience, "reads to end");
        world.Chunks.Dispose();
        foreach (PooledBuffer chunk in chunks)
        {
            chunk.Release();
            Assert.Throws<ObjectDisposedException>(() => chunk.Memory);
        }
    }
}

using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Streams.Format;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Fetch;
using Xunit;

namespace Warp.Specs.Streams.Fetch;

/// <summary>Reading objects whose batches carry their offsets: nothing is put in, and offsets may be left out.</summary>
public sealed class AbsoluteOffsetsSpec
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Batches_are_returned_as_they_lie_there_and_gaps_are_read_over()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        byte[][] kept = [Batch(2, 3), Batch(7, 1), Batch(15, 2)];
        await ReplaceAsync(world, topic[0], 20, kept);
        await new ObjectCommits(world).WriteAsync((topic[0], SampleBatches.Build("next")));

        int[] firstFound = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3];
        for (int offset = 0; offset <= 20; offset++)
        {
            byte[] read = await ReadAsync(world, topic[0], offset);
            byte[] expected = [.. kept[Math.Min(firstFound[offset], kept.Length)..].SelectMany(static batch => batch)];
            Assert.Equal(expected, read[..expected.Length]);
            Assert.Equal(20, RecordBatches.Enumerate(read.AsMemory(expected.Length)).Single().Header.BaseOffset);
        }
    }

    [Fact]
    public async Task Timestamps_are_found_at_the_batches_own_offsets()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        await ReplaceAsync(world, topic[0], 20, Batch(2, 3, 1000), Batch(7, 1, 2000), Batch(15, 2, 3000));

        Assert.Equal(new TimestampedOffset(7, 2000), await FindAsync(1500));
        Assert.Equal(new TimestampedOffset(15, 3000), await FindAsync(2001));
        Assert.Equal(new TimestampedOffset(15, 3000), await FindAsync(-3));

        async Task<TimestampedOffset?> FindAsync(long timestamp)
        {
            (ErrorCode error, TimestampedOffset? found) = await world.ColdPlanner().FindTimestampAsync(topic[0], timestamp, Stop);
            Assert.Equal(ErrorCode.None, error);
            return found;
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(18)]
    public async Task An_offset_that_falls_or_leaves_its_extent_is_an_error(long secondBase)
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        byte[] second = Batch(7, 3);
        await ReplaceAsync(world, topic[0], 20, bytes =>
        {
            RecordBatchHeader.SetBaseOffset(bytes.AsSpan(bytes.AsSpan().IndexOf(second)), secondBase);
            return bytes;
        }, Batch(2, 3), second);

        await Assert.ThrowsAsync<Warp.Streams.Format.CorruptObjectException>(() => ReadAsync(world, topic[0], 0));
    }

    private static byte[] Batch(long baseOffset, int records, long timestamp = 1)
    {
        var builder = new RecordBatchBuilder { BaseOffset = baseOffset, PartitionLeaderEpoch = 0 };
        for (int i = 0; i < records; i++)
            builder.Append(timestamp, null, [(byte)i]);
        return builder.Build();
    }

    private static Task ReplaceAsync(StreamsWorld world, TopicPartition partition, int offsets, params byte[][] batches) =>
        ReplaceAsync(world, partition, offsets, static bytes => bytes, batches);

    /// <summary>Puts an object of level 1 in the place of a log's first records.</summary>
    private static async Task ReplaceAsync(
        StreamsWorld world, TopicPartition partition, int offsets, Func<byte[], byte[]> damage, params byte[][] batches)
    {
        byte[] original = SampleBatches.Build([.. Enumerable.Range(0, offsets).Select(static i => $"{i}")]);
        await new ObjectCommits(world).WriteAsync((partition, original));
        Extent replaced = (await world.Node.ReadAsync(partition, 0)).Extents.Single().Extent;
        DateTimeOffset now = world.Node.Leases.Clock.Now;
        var id = ObjectId.Mint(now, new Random(5));
        byte[] bytes = AbsoluteObject.Encode(id, partition, batches);
        await world.Journal.RegisterPendingAsync(id, 1, now + TimeSpan.FromMinutes(1), Stop);
        await world.Store.AddAsync(world.Keys.Object(1, id), [damage([.. bytes])]);
        long length = batches.Sum(static batch => batch.Length);
        var added = new Extent(0, offsets - 1, ExtentSource.Object, id, 8, length, 3000);
        var swap = new ExtentReplacement
        {
            SwapId = ObjectId.Mint(now, new Random(6)),
            Outputs = [new OutputObject(id, bytes.Length, 1)],
            Partitions = [new PartitionReplacement(partition, [replaced], [added])],
        };
        ReplaceReply reply = await world.Region.SequencerOf(partition).AskAsync<ReplaceReply>(
            answer => new SequencerMessage.ReplaceExtents(swap, answer), StreamsWorld.Patience, Stop);
        Assert.Equal([PartitionRefusal.None], reply.Partitions);
    }

    private static async Task<byte[]> ReadAsync(StreamsWorld world, TopicPartition partition, long offset)
    {
        IReadOnlyList<ReadableExtent> extents = (await world.Node.ReadAsync(partition, offset)).Extents;
        using var builder = new RecordSetBuilder();
        await world.ColdReader().ReadAsync(extents, offset, new ReadLimits(int.MaxValue, true, 0), builder, Stop);
        using RecordSet records = builder.Build();
        return records.Memory.ToArray();
    }
}

using Warp.Protocol.Wire;
using Warp.Streams.Format;
using Xunit;

namespace Warp.Specs.Streams.Format;

public sealed class ObjectWriterSpec
{
    [Fact]
    public void Batches_lie_at_the_reported_positions_whatever_their_order_and_size()
    {
        Random random = TestSeed.Random();
        for (int round = 0; round < 50; round++)
        {
            BatchToWrite[] batches = ObjectSamples.Batches(random, random.Next(1, 200));
            using EncodedObject encoded = ObjectSamples.Encode(random, batches);
            byte[] bytes = encoded.ToArray();
            for (int i = 0; i < batches.Length; i++)
                Assert.True(bytes.AsSpan((int)encoded.Positions[i], batches[i].Bytes.Length).SequenceEqual(batches[i].Bytes.Span));
        }
    }

    [Fact]
    public void Batches_are_sorted_by_topic_and_partition_and_keep_their_order_in_a_partition()
    {
        Random random = TestSeed.Random();
        BatchToWrite[] batches =
        [
            ObjectSamples.Batch(random, topic: 2, partition: 0, length: 10),
            ObjectSamples.Batch(random, topic: 1, partition: 9, length: 20),
            ObjectSamples.Batch(random, topic: 1, partition: 2, length: 30),
            ObjectSamples.Batch(random, topic: 2, partition: 0, length: 40),
            ObjectSamples.Batch(random, topic: 1, partition: 2, length: 50),
        ];

        using EncodedObject encoded = ObjectSamples.Encode(random, batches);

        Assert.Equal([8 + 100, 8 + 80, 8, 8 + 110, 8 + 30], encoded.Positions.ToArray());
        Assert.Equal(
            [(1, 2, 8L, 80L, 2), (1, 9, 88L, 20L, 1), (2, 0, 108L, 50L, 2)],
            encoded.Footer().Extents.ToArray().Select(e => (TopicNumber(e), e.Partition, e.Position, e.Length, e.BatchCount)));

        static int TopicNumber(FooterExtent extent) => Enumerable.Range(0, 3).Single(n => ObjectSamples.Topic(n) == extent.TopicId);
    }

    [Fact]
    public void Block_n_is_chunk_n_of_the_object()
    {
        Random random = TestSeed.Random();
        BatchToWrite[] batches = [.. Enumerable.Range(0, 11).Select(i => ObjectSamples.Batch(random, 0, i, 900_000))];

        using EncodedObject encoded = ObjectSamples.Encode(random, batches);

        Assert.Equal(3, encoded.Blocks.Count);
        Assert.Equal(ObjectFormat.ChunkCount(encoded.Length), encoded.Blocks.Count);
        Assert.Equal(
            [ObjectFormat.ChunkSize, ObjectFormat.ChunkSize, (int)(encoded.Length - (2 * ObjectFormat.ChunkSize))],
            encoded.Blocks.Select(block => block.Length));
        Assert.Equal(encoded.Length, encoded.Content.Sum(block => (long)block.Length));
    }

    [Fact]
    public void The_footer_can_be_read_back_from_the_end_of_the_object()
    {
        Random random = TestSeed.Random();
        using EncodedObject encoded = ObjectSamples.Encode(random, ObjectSamples.Batches(random, 300));
        byte[] bytes = encoded.ToArray();

        ObjectHeader.Verify(bytes);
        FooterAssert.Same(encoded.Footer(), ObjectFooter.Parse(bytes, bytes.Length));
        int tail = ObjectFooter.TailLength(bytes.AsSpan()[^ObjectFormat.TrailerBytes..], bytes.Length);
        FooterAssert.Same(encoded.Footer(), ObjectFooter.Parse(bytes.AsSpan()[^tail..], bytes.Length));
    }

    [Theory]
    [InlineData(1, 500)]
    [InlineData(100, 5)]
    [InlineData(500, 1)]
    public void Everything_but_the_batches_is_less_than_a_fifth_of_a_percent_at_16_KiB_a_batch(int partitions, int batchesEach)
    {
        Random random = TestSeed.Random();
        long time = ObjectSamples.CreatedAt.ToUnixTimeMilliseconds();
        BatchToWrite[] batches =
        [
            .. from partition in Enumerable.Range(0, partitions)
               from batch in Enumerable.Range(0, batchesEach)
               select ObjectSamples.Batch(random, partition % 40, partition, 16_384, 160, time - random.Next(400)),
        ];

        using EncodedObject encoded = ObjectSamples.Encode(random, batches);

        long data = batches.Sum(batch => (long)batch.Bytes.Length);
        Assert.InRange(encoded.Length - data, 1, data / 500);
    }

    [Fact]
    public void An_object_without_batches_or_with_an_impossible_batch_is_refused()
    {
        Random random = TestSeed.Random();
        BatchToWrite good = ObjectSamples.Batch(random, 0, 0, 10);
        Assert.Throws<ArgumentException>(() => ObjectSamples.Encode(random));
        Assert.Throws<ArgumentException>(() => ObjectSamples.Encode(random, good with { Bytes = default }));
        Assert.Throws<ArgumentException>(() => ObjectSamples.Encode(random, good with { Partition = -1 }));
        Assert.Throws<ArgumentException>(() => ObjectSamples.Encode(random, good with { RecordCount = 0 }));
    }

    [Fact]
    public void Disposing_gives_each_block_back_once()
    {
        Random random = TestSeed.Random();
        EncodedObject encoded = ObjectSamples.Encode(random, ObjectSamples.Batch(random, 0, 0, 100));
        PooledBuffer block = Assert.Single(encoded.Blocks);
        block.AddReference();

        encoded.Dispose();
        encoded.Dispose();

        Assert.Equal(encoded.Length, block.Memory.Length);
        block.Release();
        Assert.Throws<ObjectDisposedException>(() => block.Memory);
    }
}

using System.Text;
using Warp.Actors.Sequencing;
using Warp.Protocol.Compression;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Streams.Format;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Fetch;
using Warp.Streams.Format;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Fetch;

public sealed class ExtentReaderSpec
{
    private const int Unlimited = int.MaxValue;

    [Fact]
    public async Task Batches_get_their_offsets_and_leader_epoch_0_and_are_otherwise_as_they_were_sent()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        byte[][] sent =
        [
            SampleBatches.Build("a", "b"),
            new RecordBatchBuilder { Codec = CompressionType.Gzip, PartitionLeaderEpoch = 77 }.Append(1, [1], new byte[9000]).Build(),
            SampleBatches.Build(7, 3, 0, "c", "d", "e"),
        ];
        await new ObjectCommits(world).WriteAsync([.. sent.Select(batch => (topic[0], batch))]);

        List<RecordBatch> read = await ReadAsync(world, topic[0], 0, Unlimited);

        Assert.Equal([0, 2, 3], read.Select(static batch => batch.Header.BaseOffset));
        Assert.All(read, static batch => Assert.Equal(0, batch.Header.PartitionLeaderEpoch));
        for (int i = 0; i < sent.Length; i++)
            Assert.True(read[i].Bytes.Span[RecordBatchHeader.MagicOffset..].SequenceEqual(sent[i].AsSpan(RecordBatchHeader.MagicOffset)));
    }

    [Fact]
    public async Task The_batch_that_holds_the_offset_comes_first()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(2);
        var commits = new ObjectCommits(world);
        for (int i = 0; i < 3; i++)
        {
            await commits.WriteAsync(
                (topic[0], SampleBatches.Build("a", "b")), (topic[1], SampleBatches.Build("not asked for")),
                (topic[0], SampleBatches.Build("c")), (topic[0], SampleBatches.Build("d", "e", "f")));
        }
        long[] bases = [0, 2, 3, 6, 8, 9, 12, 14, 15, 18];
        for (long offset = 0; offset < 18; offset++)
        {
            List<RecordBatch> read = await ReadAsync(world, topic[0], offset, Unlimited);
            int first = Array.FindLastIndex(bases, start => start <= offset);
            Assert.Equal(bases[first..^1], read.Select(static batch => batch.Header.BaseOffset));
        }
    }

    [Fact]
    public async Task Only_whole_batches_are_returned_up_to_the_limit()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        byte[] batch = SampleBatches.OfSize(1000);
        var commits = new ObjectCommits(world);
        await commits.WriteAsync((topic[0], batch), (topic[0], batch));
        await commits.WriteAsync((topic[0], batch), (topic[0], batch));
        int size = batch.Length;
        (int, int)[] cases = [(size, 1), ((2 * size) - 1, 1), (2 * size, 2), ((3 * size) - 1, 2), (3 * size, 3), (9 * size, 4)];
        foreach ((int limit, int count) in cases)
        {
            Assert.Equal(count, (await ReadAsync(world, topic[0], 0, limit)).Count);
            Assert.Equal(count, (await ReadAsync(world, topic[0], 0, limit, atLeastOne: true)).Count);
        }
    }

    [Fact]
    public async Task The_first_batch_is_returned_whatever_its_size_when_there_must_be_one()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        byte[] batch = SampleBatches.OfSize(1000);
        await new ObjectCommits(world).WriteAsync((topic[0], batch), (topic[0], batch));
        Assert.Empty(await ReadAsync(world, topic[0], 1, batch.Length - 1));
        Assert.Equal(1, Assert.Single(await ReadAsync(world, topic[0], 1, 0, atLeastOne: true)).Header.BaseOffset);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(60)]
    [InlineData(61)]
    public async Task Headers_and_batches_may_straddle_chunks(int bytesBeforeTheBoundary)
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        byte[] filler = OfExactSize(ObjectFormat.ChunkSize - ObjectFormat.HeaderBytes - bytesBeforeTheBoundary);
        byte[] straddling = SampleBatches.Build("across", "the", "boundary");
        byte[] long3 = OfExactSize((2 * ObjectFormat.ChunkSize) + 17);
        await new ObjectCommits(world).WriteAsync((topic[0], filler), (topic[0], straddling), (topic[0], long3), (topic[0], straddling));

        List<RecordBatch> all = await ReadAsync(world, topic[0], 0, Unlimited);
        Assert.Equal([filler.Length, straddling.Length, long3.Length, straddling.Length], all.Select(static batch => batch.Bytes.Length));
        Assert.Equal([0, 1, 4, 5], all.Select(static batch => batch.Header.BaseOffset));
        Assert.True(all[2].Bytes.Span[RecordBatchHeader.MagicOffset..].SequenceEqual(long3.AsSpan(RecordBatchHeader.MagicOffset)));
        List<RecordBatch> tail = await ReadAsync(world, topic[0], 7, Unlimited);
        Assert.Equal(["across", "the", "boundary"], LogEntry.Of(Assert.Single(tail)).Select(static entry => entry.Value));
    }

    [Fact]
    public async Task Any_offset_is_found_in_runs_of_any_layout()
    {
        Random random = TestSeed.Random();
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        for (int round = 0; round < 6; round++)
        {
            TopicPartition[] topic = await world.OpenTopicAsync(3);
            var logs = new LayoutSample(topic, random);
            var commits = new ObjectCommits(world);
            for (int objects = 0; objects < 3; objects++)
                await commits.WriteAsync(logs.NextObject());
            foreach (TopicPartition partition in topic)
            {
                List<string> log = logs.LogOf(partition);
                for (int reads = 0; reads < 25; reads++)
                    await CheckReadAsync(world, partition, log, random.Next(log.Count), random);
            }
        }
    }

    [Fact]
    public async Task A_run_that_is_not_what_the_sequencer_says_is_corrupt()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(5);
        byte[] batch = SampleBatches.Build("a", "b", "c");
        await new ObjectCommits(world) { Claim = static claim => claim with { OffsetCount = 4 } }.WriteAsync((topic[0], batch));
        await new ObjectCommits(world) { Claim = static claim => claim with { Length = claim.Length - 1 } }.WriteAsync((topic[1], batch));
        await new ObjectCommits(world) { Claim = static claim => claim with { Position = 9 } }.WriteAsync((topic[2], batch));
        await new ObjectCommits(world) { Damage = static bytes => bytes[..20] }.WriteAsync((topic[3], batch));
        for (int i = 0; i < 4; i++)
            await Assert.ThrowsAsync<CorruptObjectException>(() => ReadAsync(world, topic[i], 0, Unlimited));
    }

    [Fact]
    public async Task A_missing_object_and_a_failing_store_are_errors()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(2);
        await new ObjectCommits(world) { Damage = static _ => null }.WriteAsync((topic[0], SampleBatches.Build("a")));
        await new ObjectCommits(world).WriteAsync((topic[1], SampleBatches.Build("a")));
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => ReadAsync(world, topic[0], 0, Unlimited));
        world.Store.ReadFailure = static key => new ObjectStoreException("scripted:", key, "No.", isTransient: true);
        await Assert.ThrowsAsync<ObjectStoreException>(() => ReadAsync(world, topic[1], 0, Unlimited));
    }

    /// <summary>Reads from an offset on, and compares with what was written.</summary>
    private static async Task CheckReadAsync(StreamsWorld world, TopicPartition partition, List<string> log, int offset, Random random)
    {
        int limit = random.Next(3) == 0 ? Unlimited : random.Next(1, 300_000);
        List<RecordBatch> read = await ReadAsync(world, partition, offset, limit, atLeastOne: true);
        Assert.InRange(offset, read[0].Header.BaseOffset, read[0].Header.LastOffset);
        List<LogEntry> entries = [.. read.SelectMany(LogEntry.Of)];
        for (int i = 0; i < entries.Count; i++)
        {
            Assert.Equal(read[0].Header.BaseOffset + i, entries[i].Offset);
            Assert.StartsWith(log[(int)entries[i].Offset], entries[i].Value, StringComparison.Ordinal);
        }
        if (limit == Unlimited)
            Assert.Equal(log.Count, entries[^1].Offset + 1);
        else
            Assert.True(read.Count == 1 || read.Sum(static batch => batch.Bytes.Length) <= limit);
    }

    /// <summary>Reads with a reader that has nothing in memory.</summary>
    private static async Task<List<RecordBatch>> ReadAsync(
        StreamsWorld world, TopicPartition partition, long offset, int maxBytes, bool atLeastOne = false)
    {
        ExtentRead[] reads = [new(partition, offset, long.MaxValue)];
        ReadExtentsReply reply = await world.Region.SequencerOf(partition).AskAsync<ReadExtentsReply>(
            answer => new SequencerMessage.ReadExtents(reads, answer), StreamsWorld.Patience, CancellationToken.None);
        using var builder = new RecordSetBuilder();
        var limits = new ReadLimits(maxBytes, atLeastOne, 0);
        await world.ColdReader().ReadAsync(reply.Partitions[0].Extents, offset, limits, builder, CancellationToken.None);
        using RecordSet records = builder.Build();
        return [.. RecordBatches.Enumerate(records.Memory.ToArray())];
    }

    private static byte[] OfExactSize(int bytes)
    {
        int overhead = SampleBatches.OfSize(bytes).Length - bytes;
        byte[] batch = SampleBatches.OfSize(bytes - overhead);
        Assert.Equal(bytes, batch.Length);
        return batch;
    }

    /// <summary>
    /// Batches of random sizes of a few producers, some of them sent twice: the copy is in the object, but not in the log, so the run of
    /// the batches behind it starts in the middle of what the footer knows as one extent.
    /// </summary>
    private sealed class LayoutSample(TopicPartition[] topic, Random random)
    {
        private readonly Dictionary<TopicPartition, List<string>> _logs =
            topic.ToDictionary(static partition => partition, static _ => new List<string>());

        private readonly Dictionary<TopicPartition, int> _sequences = [];

        public List<string> LogOf(TopicPartition partition) => _logs[partition];

        public (TopicPartition Partition, byte[] Batch)[] NextObject()
        {
            var batches = new List<(TopicPartition, byte[])>();
            int count = random.Next(40, 200);
            int duplicatesOf100 = random.Next(10);
            for (int i = 0; i < count; i++)
            {
                TopicPartition partition = topic[random.Next(topic.Length)];
                byte[] batch = NextBatch(partition);
                batches.Add((partition, batch));
                if (random.Next(100) < duplicatesOf100)
                    batches.Add((partition, batch));
            }
            return [.. batches];
        }

        private byte[] NextBatch(TopicPartition partition)
        {
            List<string> log = _logs[partition];
            int sequence = _sequences.GetValueOrDefault(partition);
            var builder = new RecordBatchBuilder { ProducerId = 5, ProducerEpoch = 0, BaseSequence = sequence };
            int records = random.Next(1, 6);
            int bytes = random.Next(4) == 0 ? random.Next(40_000) : random.Next(3000);
            for (int i = 0; i < records; i++)
            {
                string value = $"{partition.Partition}/{log.Count};";
                log.Add(value);
                builder.Append(1, null, Encoding.UTF8.GetBytes(value.PadRight(bytes, '.')));
            }
            _sequences[partition] = sequence + records;
            return builder.Build();
        }
    }
}

using System.Buffers.Binary;
using System.Numerics;
using Warp.Actors.Sequencing;
using Warp.Streams.Format;
using Xunit;

namespace Warp.Specs.Streams.Format;

public sealed class ObjectFooterSpec
{
    [Fact]
    public void Footers_with_absolute_offsets_survive_encoding()
    {
        Random random = TestSeed.Random();
        var id = ObjectId.Mint(ObjectSamples.CreatedAt, random);
        var builder = new FooterBuilder(id, ObjectSamples.CreatedAt, "ü", ObjectFlags.AbsoluteOffsets);
        builder.Add(ObjectSamples.Topic(1), 0, 50_000, 10, 5, baseOffset: 1_000_000_000_000, offsetCount: 12);
        builder.Add(ObjectSamples.Topic(1), 0, 50_000, 0, -1, baseOffset: 1_000_000_000_700, offsetCount: 1);
        builder.Add(ObjectSamples.Topic(1), 7, 1, 1, 1, baseOffset: long.MaxValue - 1, offsetCount: 1);
        ObjectFooter footer = builder.Build(out byte[] tail);

        ObjectFooter read = ObjectFooter.Parse(tail, footer.ObjectSize);

        FooterAssert.Same(footer, read);
        FooterExtent first = read.Extents[0];
        Assert.Equal((10L, 701L, 1_000_000_000_000L), (first.RecordCount, first.OffsetCount, first.BaseOffset));
        Assert.Equal([new IndexEntry(0, 8, 5), new IndexEntry(700, 50_008, -1)], read.IndexOf(first).ToArray());
    }

    [Fact]
    public void Timestamps_at_both_ends_of_64_bits_survive_encoding()
    {
        Random random = TestSeed.Random();
        BatchToWrite[] batches =
        [
            ObjectSamples.Batch(random, 0, 0, 60_000, maxTimestamp: long.MinValue),
            ObjectSamples.Batch(random, 0, 0, 60_000, maxTimestamp: long.MaxValue),
            ObjectSamples.Batch(random, 0, 0, 60_000, maxTimestamp: -1),
            ObjectSamples.Batch(random, 0, 1, 60_000, maxTimestamp: long.MinValue),
        ];
        using EncodedObject encoded = ObjectSamples.Encode(random, batches);

        FooterAssert.Same(encoded.Footer(), ObjectFooter.Parse(encoded.ToArray(), encoded.Length));
        Assert.Equal(long.MaxValue, encoded.Footer().Extents[0].MaxTimestamp);
    }

    [Fact]
    public void A_batch_that_does_not_belong_after_the_one_before_is_refused()
    {
        FooterBuilder relative = Builder(ObjectFlags.None);
        relative.Add(ObjectSamples.Topic(1), 1, 10, 1, 0);
        Assert.Throws<ArgumentException>(() => relative.Add(ObjectSamples.Topic(1), 0, 10, 1, 0));
        Assert.Throws<ArgumentException>(() => relative.Add(ObjectSamples.Topic(1), 1, 10, 1, 0, baseOffset: 5, offsetCount: 1));

        FooterBuilder absolute = Builder(ObjectFlags.AbsoluteOffsets);
        absolute.Add(ObjectSamples.Topic(1), 1, 10, 1, 0, baseOffset: 10, offsetCount: 5);
        Assert.Throws<ArgumentException>(() => absolute.Add(ObjectSamples.Topic(1), 1, 10, 1, 0, baseOffset: 14, offsetCount: 1));
        Assert.Throws<ArgumentException>(() => absolute.Add(ObjectSamples.Topic(1), 1, 10, 1, 0));

        static FooterBuilder Builder(ObjectFlags flags) => new(default, ObjectSamples.CreatedAt, "c", flags);
    }

    [Fact]
    public void Every_damaged_or_cut_off_tail_is_noticed()
    {
        Random random = TestSeed.Random();
        using EncodedObject encoded = ObjectSamples.Encode(random, ObjectSamples.Batches(random, 40));
        byte[] bytes = encoded.ToArray();
        int tail = ObjectFooter.TailLength(bytes, bytes.Length);
        for (int i = bytes.Length - tail; i < bytes.Length; i++)
        {
            bytes[i] ^= 0x10;
            Assert.False(ObjectFooter.TryParse(bytes, bytes.Length, out _, out string? problem), $"byte {i}");
            Assert.NotEmpty(problem);
            bytes[i] ^= 0x10;
        }
        for (int cut = 1; cut < tail + 10; cut++)
            Assert.Throws<CorruptObjectException>(() => ObjectFooter.Parse(bytes.AsSpan()[..^cut], bytes.Length - cut));
        for (int size = 0; size < 30; size++)
            Assert.Throws<CorruptObjectException>(() => ObjectFooter.Parse(new byte[size], size));
    }

    [Fact]
    public void Hostile_footers_with_a_right_checksum_give_a_clear_error_or_a_consistent_footer()
    {
        Random random = TestSeed.Random();
        int refused = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] tail = Tail(random, out long size);
            for (int changes = random.Next(1, 4); changes > 0; changes--)
                tail[random.Next(tail.Length - ObjectFormat.TrailerBytes)] = random.Next(3) == 0 ? (byte)0xFF : (byte)random.Next(256);
            Sign(tail);
            if (ObjectFooter.TryParse(tail, size, out ObjectFooter? footer, out _))
                AssertInvariants(footer, tail.Length);
            else
                refused++;
        }
        Assert.InRange(refused, 1000, 19_000);
    }

    [Fact]
    public void Errors_name_what_is_wrong()
    {
        Random random = TestSeed.Random();
        byte[] tail = Tail(random, out long size);
        AssertProblem("magic", tail, size, bytes => bytes[^1] ^= 1);
        AssertProblem("CRC-32C", tail, size, bytes => bytes[0] ^= 1);
        AssertProblem("version 2", tail, size, bytes => { bytes[0] = 2; Sign(bytes); });
        AssertProblem("flags", tail, size, bytes => { bytes[1] = 2; Sign(bytes); });
        AssertProblem("4294967295 bytes", tail, size, bytes => bytes.AsSpan(bytes.Length - 12, 4).Fill(0xFF));
        AssertProblem("extents end", tail, size + 1, _ => { });
    }

    [Fact]
    public void A_header_of_another_kind_or_of_a_newer_version_is_refused()
    {
        var header = new byte[ObjectFormat.HeaderBytes];
        ObjectHeader.Write(header);
        ObjectHeader.Verify(header);
        header[5] = 2;
        Assert.Contains("version 2", Assert.Throws<CorruptObjectException>(() => ObjectHeader.Verify(header)).Message);
        Assert.Throws<CorruptObjectException>(() => ObjectHeader.Verify("WARX\0\u0001\0\0"u8));
        Assert.Throws<CorruptObjectException>(() => ObjectHeader.Verify("WARP"u8));
    }

    private static void AssertProblem(string expected, byte[] tail, long size, Action<byte[]> damage)
    {
        byte[] copy = [.. tail];
        damage(copy);
        Assert.False(ObjectFooter.TryParse(copy, size, out _, out string? problem));
        Assert.Contains(expected, problem);
    }

    private static byte[] Tail(Random random, out long size)
    {
        var flags = (ObjectFlags)random.Next(2);
        var builder = new FooterBuilder(ObjectId.Mint(ObjectSamples.CreatedAt, random), ObjectSamples.CreatedAt, "c", flags);
        long offset = 0;
        for (int batch = 0; batch < 12; batch++)
        {
            int partition = batch / 3;
            int count = random.Next(1, 300);
            if (flags == ObjectFlags.AbsoluteOffsets)
                builder.Add(ObjectSamples.Topic(partition / 2), partition, 40_000, count, random.Next(), offset, count);
            else
                builder.Add(ObjectSamples.Topic(partition / 2), partition, 40_000, count, random.Next());
            offset += count;
        }
        size = builder.Build(out byte[] tail).ObjectSize;
        return tail;
    }

    private static void Sign(byte[] tail)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in tail.AsSpan()[..^ObjectFormat.TrailerBytes])
            crc = BitOperations.Crc32C(crc, b);
        BinaryPrimitives.WriteUInt32BigEndian(tail.AsSpan()[^8..], ~crc);
    }

    private static void AssertInvariants(ObjectFooter footer, int tailLength)
    {
        long position = ObjectFormat.HeaderBytes;
        foreach (FooterExtent extent in footer.Extents)
        {
            Assert.Equal(position, extent.Position);
            position = extent.End;
            Assert.True(footer.TryFind(extent.TopicId, extent.Partition, out FooterExtent found));
            Assert.Equal(extent, found);
            IndexEntry[] index = footer.IndexOf(extent).ToArray();
            Assert.Equal((0L, extent.Position), (index[0].RelativeOffset, index[0].Position));
            Assert.Equal(extent.MaxTimestamp, index.Max(entry => entry.MaxTimestamp));
            Assert.True(index[^1].Position < extent.End && index[^1].RelativeOffset < extent.OffsetCount);
            Assert.All(index.Zip(index.Skip(1)), pair =>
                Assert.True(pair.First.Position < pair.Second.Position && pair.First.RelativeOffset < pair.Second.RelativeOffset));
        }
        Assert.Equal(footer.ObjectSize - tailLength, position);
    }
}

using Warp.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Protocol.Wire;

public sealed class RecordSetSpec
{
    [Fact]
    public void Large_pieces_are_referenced_and_small_ones_copied_together()
    {
        using var large = Filled(5000, 1);
        using var small = Filled(10, 2);
        using var builder = new RecordSetBuilder();
        builder.Append(small.Memory, small);
        builder.AppendCopy([3, 3]);
        builder.Append(large.Memory, large);
        builder.Append(small.Memory, small);
        Assert.Equal(5022, builder.Length);
        using var records = builder.Build();
        Assert.Equal([12, 5000, 10], records.Segments.ToArray().Select(segment => segment.Length));
        Assert.Equal(5022, records.Length);
        Assert.Equal(5022, records.Memory.Length);
        Assert.True(records.Segments[1].Span.Overlaps(large.Memory.Span));
        Assert.False(records.Segments[0].Span.Overlaps(small.Memory.Span));
        Assert.Equal("02020202020202020202" + "0303", WireHex.Text(records.Segments[0].Span));
        Assert.Equal((byte)2, records.Memory.Span[5021]);
    }

    [Fact]
    public void Slices_that_follow_each_other_in_a_buffer_become_one_piece()
    {
        using var buffer = Filled(20_000, 1);
        using var other = Filled(20_000, 2);
        using var builder = new RecordSetBuilder();
        builder.Append(buffer.Memory[..5000], buffer);
        builder.Append(buffer.Memory[5000..5010], buffer);
        builder.Append(buffer.Memory[5010..12_000], buffer);
        builder.Append(buffer.Memory[13_000..18_000], buffer);
        builder.AppendCopy([3]);
        builder.Append(buffer.Memory[18_000..20_000], buffer);
        builder.Append(other.Memory[..5000], other);
        using var records = builder.Build();

        Assert.Equal([12_000, 5000, 2001, 5000], records.Segments.ToArray().Select(segment => segment.Length));
        Assert.True(records.Segments[0].Span.SequenceEqual(buffer.Memory.Span[..12_000]));
        Assert.Equal("03" + "0101", WireHex.Text(records.Segments[2].Span[..3]));
    }

    [Fact]
    public void The_bytes_of_a_disposed_record_set_are_not_shown_any_more()
    {
        using var buffer = Filled(6000, 1);
        using var builder = new RecordSetBuilder();
        builder.Append(buffer.Memory, buffer);
        var records = builder.Build();
        records.Dispose();
        Assert.Throws<ObjectDisposedException>(() => records.Memory);
    }

    [Fact]
    public void A_record_set_goes_into_one_frame_which_disposes_it()
    {
        var buffer = Filled(6000, 1);
        using var builder = new RecordSetBuilder();
        builder.Append(buffer.Memory, buffer);
        var records = builder.Build();
        buffer.Release();
        Assert.False(records.IsTakenOver);
        using (var first = new WireWriter())
        {
            first.WriteRecords(records, compact: true);
            Assert.True(records.IsTakenOver);
            using var second = new WireWriter();
            Assert.Throws<InvalidOperationException>(() => second.WriteRecords(records, compact: true));
            using OutgoingFrame frame = first.Complete();
            Assert.Equal(6000, records.Memory.Length);
        }
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory);
    }

    [Fact]
    public void A_record_set_keeps_its_buffers_alive_until_it_is_disposed()
    {
        var buffer = Filled(6000, 1);
        using var builder = new RecordSetBuilder();
        builder.Append(buffer.Memory, buffer);
        builder.Append(buffer.Memory[..5000], buffer);
        var records = builder.Build();
        buffer.Release();
        Assert.Equal(11_000, records.Memory.Length);
        records.Dispose();
        records.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory);
    }

    [Fact]
    public void A_frame_releases_the_record_sets_that_were_written_to_it()
    {
        var buffer = Filled(6000, 1);
        using var builder = new RecordSetBuilder();
        builder.Append(buffer.Memory, buffer);
        using var writer = new WireWriter();
        writer.WriteRecords(builder.Build(), compact: true);
        buffer.Release();
        var frame = writer.Complete();
        writer.Dispose();
        Assert.Equal(6006, frame.ToArray().Length);
        frame.Dispose();
        frame.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory);
    }

    [Fact]
    public void A_writer_that_is_given_up_releases_them_too()
    {
        var buffer = Filled(6000, 1);
        using var builder = new RecordSetBuilder();
        builder.Append(buffer.Memory, buffer);
        using (var writer = new WireWriter())
            writer.WriteRecords(builder.Build(), compact: true);
        buffer.Release();
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory);
    }

    [Fact]
    public void A_builder_that_is_given_up_releases_what_it_took()
    {
        var buffer = Filled(6000, 1);
        using (var builder = new RecordSetBuilder())
            builder.Append(buffer.Memory, buffer);
        buffer.Release();
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory);
    }

    [Fact]
    public void A_builder_starts_over_after_each_build()
    {
        using var builder = new RecordSetBuilder();
        builder.AppendCopy([1, 2]);
        using var first = builder.Build();
        builder.AppendCopy([3]);
        using var second = builder.Build();
        Assert.Equal("0102", WireHex.Text(first.Memory.Span));
        Assert.Equal("03", WireHex.Text(second.Memory.Span));
        Assert.Same(RecordSet.Empty, builder.Build());
    }

    [Fact]
    public void Many_copies_keep_their_order()
    {
        using var builder = new RecordSetBuilder();
        for (int i = 0; i < 100; i++)
            builder.AppendCopy(Enumerable.Repeat((byte)i, 300).ToArray());
        builder.AppendCopy(Enumerable.Repeat((byte)100, 10_000).ToArray());
        using var records = builder.Build();
        var bytes = records.Memory.ToArray();
        Assert.Equal(40_000, bytes.Length);
        for (int i = 0; i < bytes.Length; i++)
            Assert.Equal(Math.Min(i / 300, 100), bytes[i]);
    }

    private static PooledBuffer Filled(int length, byte value)
    {
        var buffer = PooledBuffer.Rent(length);
        buffer.Memory.Span.Fill(value);
        return buffer;
    }
}

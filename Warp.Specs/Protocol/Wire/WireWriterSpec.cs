using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Protocol.Wire;

public sealed class WireWriterSpec
{
    [Fact]
    public void Numbers_are_big_endian() => Writes("ff 8001 ff01 80000002 ffffff03 8000000000000004 3ff8000000000000 01", static writer =>
    {
        writer.WriteInt8(-1);
        writer.WriteInt16(-32767);
        writer.WriteUInt16(0xff01);
        writer.WriteInt32(int.MinValue + 2);
        writer.WriteUInt32(0xffffff03);
        writer.WriteInt64(long.MinValue + 4);
        writer.WriteFloat64(1.5);
        writer.WriteBool(true);
    });

    [Fact]
    public void An_error_code_takes_two_bytes() => Writes("0023", static writer => writer.WriteError(ErrorCode.UnsupportedVersion));

    [Fact]
    public void A_uuid_is_written_in_the_order_of_its_text() => Writes("00112233 4455 6677 8899 aabbccddeeff", static writer =>
        writer.WriteUuid(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff")));

    [Fact]
    public void Lengths_come_in_two_forms() => Writes("0003 666f6f 04 666f6f ffff 00 00000001 aa 02 aa ffffffff 00 00000005 06", writer =>
    {
        writer.WriteString("foo", compact: false);
        writer.WriteString("foo", compact: true);
        writer.WriteNullableString(null, compact: false, allowed: true, "s");
        writer.WriteNullableString(null, compact: true, allowed: true, "s");
        writer.WriteBytes(new byte[] { 0xaa }, compact: false);
        writer.WriteBytes(new byte[] { 0xaa }, compact: true);
        writer.WriteNullableBytes(null, compact: false, allowed: true, "b");
        writer.WriteNullableBytes(null, compact: true, allowed: true, "b");
        writer.WriteArrayCount(5, compact: false);
        writer.WriteArrayCount(5, compact: true);
    });

    [Fact]
    public void Varints_and_presence() => Writes("ac02 03 01 ffffffffffffffffff01 01 ff", static writer =>
    {
        writer.WriteUvarint(300);
        writer.WriteVarint(-2);
        writer.WriteVarlong(-1);
        writer.WriteUvarlong(ulong.MaxValue);
        writer.WritePresence(present: true, nullable: true, "p");
        writer.WritePresence(present: false, nullable: true, "p");
        writer.WritePresence(present: true, nullable: false, "p");
    });

    [Fact]
    public void The_size_of_a_tagged_field_is_put_in_front_of_it() => Writes("07 04 09 02 aabb", static writer =>
    {
        int outer = writer.BeginTag(7);
        int inner = writer.BeginTag(9);
        writer.WriteRaw([0xaa, 0xbb]);
        writer.EndTag(inner);
        writer.EndTag(outer);
    });

    [Fact]
    public void A_tagged_field_may_need_two_bytes_for_its_size()
    {
        using var writer = new WireWriter(1);
        int start = writer.BeginTag(0);
        writer.WriteRaw(Enumerable.Repeat((byte)0xcc, 200).ToArray());
        writer.EndTag(start);
        Assert.Equal("00c801" + string.Concat(Enumerable.Repeat("cc", 200)), WireHex.Text(writer.ToArray()));
    }

    [Fact]
    public void The_buffer_grows_as_needed()
    {
        using var writer = new WireWriter(1);
        for (int i = 0; i < 100_000; i++)
            writer.WriteInt32(i);
        var bytes = writer.ToArray();
        Assert.Equal(400_000, bytes.Length);
        var reader = new WireReader(bytes);
        for (int i = 0; i < 100_000; i++)
            Assert.Equal(i, reader.ReadInt32("i"));
    }

    [Fact]
    public void A_null_is_refused_where_the_version_has_none()
    {
        using var writer = new WireWriter();
        Assert.Throws<InvalidOperationException>(() => writer.WriteNullableString(null, compact: true, allowed: false, "s"));
        Assert.Throws<InvalidOperationException>(() => writer.WriteNullableBytes(null, compact: true, allowed: false, "b"));
        Assert.Throws<InvalidOperationException>(() => writer.WriteNullableArrayCount(null, compact: false, allowed: false, "a"));
        Assert.Throws<InvalidOperationException>(() => writer.WriteNullableRecords(RecordSet.Null, compact: false, allowed: false, "r"));
        Assert.Throws<InvalidOperationException>(() => writer.WritePresence(present: false, nullable: false, "p"));
    }

    [Fact]
    public void Strings_that_no_reader_would_take_are_refused()
    {
        using var writer = new WireWriter();
        Assert.Throws<ArgumentException>(() => writer.WriteString(new string('x', 32_768), compact: true));
        Assert.ThrowsAny<ArgumentException>(() => writer.WriteString("half a pair: " + (char)0xd800, compact: true));
    }

    [Fact]
    public void A_frame_starts_with_its_length()
    {
        using var writer = new WireWriter();
        writer.WriteInt16(1);
        writer.WriteString("foo", compact: false);
        using var frame = writer.Complete();
        Assert.Equal("00000007 0001 0003 666f6f".Replace(" ", "", StringComparison.Ordinal), WireHex.Text(frame.ToArray()));
        Assert.Equal(11, frame.Length);
    }

    [Fact]
    public void A_completed_writer_is_of_no_use()
    {
        using var writer = new WireWriter();
        using var frame = writer.Complete();
        Assert.Throws<ObjectDisposedException>(() => writer.WriteInt32(1));
        Assert.Throws<ObjectDisposedException>(() => writer.Complete());
    }

    [Fact]
    public void Records_are_referenced_between_the_bytes_around_them()
    {
        var first = WireHex.Bytes("010203");
        var second = WireHex.Bytes("0405");
        using var writer = new WireWriter();
        writer.WriteInt8(0x11);
        writer.WriteRecords(new RecordSet(first), compact: false);
        writer.WriteRecords(RecordSet.Empty, compact: false);
        writer.WriteRecords(RecordSet.Null, compact: true);
        writer.WriteInt8(0x22);
        writer.WriteRecords(new RecordSet(second), compact: true);
        string expected = "11 00000003 010203 00000000 01 22 03 0405".Replace(" ", "", StringComparison.Ordinal);
        Assert.Equal(expected, WireHex.Text(writer.ToArray()));
        using var frame = writer.Complete();
        Assert.Equal("00000011" + expected, WireHex.Text(frame.ToArray()));
        Assert.Same(first, frame.Segments[1].Array);
        Assert.Same(second, frame.Segments[3].Array);
        Assert.Equal(4, frame.Segments.Count);
        Assert.Equal(frame.Length, frame.Segments.Sum(segment => segment.Count));
    }

    private static void Writes(string hex, Action<WireWriter> write)
    {
        using var writer = new WireWriter(1);
        write(writer);
        Assert.Equal(hex.Replace(" ", "", StringComparison.Ordinal), WireHex.Text(writer.ToArray()));
    }
}

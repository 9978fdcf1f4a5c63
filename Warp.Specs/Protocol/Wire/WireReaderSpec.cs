using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Protocol.Wire;

public sealed class WireReaderSpec
{
    private delegate object? Read(ref WireReader reader);

    [Fact]
    public void Integers_are_big_endian()
    {
        var reader = Reader("ff  8001  ff01  80000002  ffffff03  8000000000000004  3ff8000000000000");
        Assert.Equal(-1, reader.ReadInt8("a"));
        Assert.Equal(-32767, reader.ReadInt16("b"));
        Assert.Equal(0xff01, reader.ReadUInt16("c"));
        Assert.Equal(int.MinValue + 2, reader.ReadInt32("d"));
        Assert.Equal(0xffffff03u, reader.ReadUInt32("e"));
        Assert.Equal(long.MinValue + 4, reader.ReadInt64("f"));
        Assert.Equal(1.5, reader.ReadFloat64("g"));
        Assert.Equal(0, reader.Remaining);
    }

    [Fact]
    public void A_uuid_reads_in_the_order_of_its_text()
    {
        var reader = Reader("00112233 4455 6677 8899 aabbccddeeff");
        Assert.Equal(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), reader.ReadUuid("id"));
    }

    [Fact]
    public void Error_codes_without_a_name_are_kept()
    {
        var reader = Reader("0003 7fff");
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, reader.ReadError("e"));
        Assert.Equal(32767, (short)reader.ReadError("e"));
    }

    [Fact]
    public void Strings_come_in_two_forms()
    {
        var reader = Reader("0003 666f6f  04 666f6f  0000  01  ffff  00");
        Assert.Equal("foo", reader.ReadString("s", compact: false));
        Assert.Equal("foo", reader.ReadString("s", compact: true));
        Assert.Equal("", reader.ReadString("s", compact: false));
        Assert.Equal("", reader.ReadString("s", compact: true));
        Assert.Null(reader.ReadNullableString("s", compact: false, allowed: true));
        Assert.Null(reader.ReadNullableString("s", compact: true, allowed: true));
    }

    [Fact]
    public void Bytes_and_records_are_slices_of_the_input()
    {
        var input = WireHex.Bytes("00000002 0102  03 0304");
        var reader = new WireReader(input);
        var bytes = reader.ReadBytes("b", compact: false);
        var records = reader.ReadRecords("r", compact: true);
        input[5] = 0x22;
        input[8] = 0x44;
        Assert.Equal("0122", WireHex.Text(bytes.Span));
        Assert.Equal("0344", WireHex.Text(records.Memory.Span));
        Assert.False(records.IsNull);
    }

    [Fact]
    public void Null_and_empty_records_are_different()
    {
        var reader = Reader("ffffffff 00000000 00 01");
        Assert.True(reader.ReadNullableRecords("r", compact: false, allowed: true).IsNull);
        Assert.False(reader.ReadNullableRecords("r", compact: false, allowed: true).IsNull);
        Assert.True(reader.ReadNullableRecords("r", compact: true, allowed: true).IsNull);
        Assert.False(reader.ReadNullableRecords("r", compact: true, allowed: true).IsNull);
    }

    [Fact]
    public void Unknown_tagged_fields_are_skipped()
    {
        var reader = Reader("02  05 03 aabbcc  8001 00  07");
        reader.SkipTags("s");
        Assert.Equal(7, reader.ReadInt8("after"));
    }

    [Fact]
    public void A_tagged_field_cannot_read_past_its_end() => Refuses("01 00 02 0001 0002", "claims.Int32", static (ref WireReader reader) =>
    {
        reader.ReadTagCount("s");
        reader.BeginTag(out _, "s");
        return reader.ReadInt32("claims.Int32");
    });

    [Fact]
    public void A_tagged_field_is_read_to_its_end() => Refuses("01 00 02 0001 0002", "bytes too many", static (ref WireReader reader) =>
    {
        reader.ReadTagCount("s");
        int outerEnd = reader.BeginTag(out _, "s");
        reader.ReadInt8("s.Int8");
        reader.EndTag(outerEnd, "s");
        return null;
    });

    [Fact]
    public void Input_that_ends_too_early_is_refused()
    {
        Refuses("", "flag", static (ref WireReader reader) => reader.ReadBool("flag"));
        Refuses("00", "short", static (ref WireReader reader) => reader.ReadInt16("short"));
        Refuses("000000", "int", static (ref WireReader reader) => reader.ReadInt32("int"));
        Refuses("00000000000000", "long", static (ref WireReader reader) => reader.ReadInt64("long"));
        Refuses("0011223344", "uuid", static (ref WireReader reader) => reader.ReadUuid("uuid"));
        Refuses("80", "uvarint", static (ref WireReader reader) => reader.ReadUvarint("uvarint"));
        Refuses("ff ff ff ff 10", "varint", static (ref WireReader reader) => reader.ReadVarint("varint"));
    }

    [Fact]
    public void Lengths_beyond_the_input_are_refused()
    {
        Refuses("0004 666f6f", "topic needs 4 bytes where 3 are left", static (ref WireReader reader) => reader.ReadString("topic", false));
        Refuses("05 666f6f", "topic", static (ref WireReader reader) => reader.ReadString("topic", true));
        Refuses("7fffffff 00", "blob", static (ref WireReader reader) => reader.ReadBytes("blob", false));
        Refuses("ff ff ff ff 07 00", "blob", static (ref WireReader reader) => reader.ReadBytes("blob", true));
        Refuses("01 00 7f 00", "owner", static (ref WireReader reader) =>
        {
            reader.SkipTags("owner");
            return null;
        });
    }

    [Fact]
    public void Lengths_below_minus_one_are_refused()
    {
        Refuses("fffe", "topic has the length -2", static (ref WireReader reader) => reader.ReadNullableString("topic", false, true));
        Refuses("80000000", "blob", static (ref WireReader reader) => reader.ReadNullableBytes("blob", false, true));
        Refuses("fffffffe", "list", static (ref WireReader reader) => reader.ReadNullableArrayCount("list", false, 1, true));
        Refuses("ff ff ff ff 0f", "list", static (ref WireReader reader) => reader.ReadNullableArrayCount("list", true, 1, true));
    }

    [Fact]
    public void Nulls_are_refused_where_the_version_has_none()
    {
        Refuses("ffff", "topic is null", static (ref WireReader reader) => reader.ReadString("topic", false));
        Refuses("00", "topic is null", static (ref WireReader reader) => reader.ReadString("topic", true));
        Refuses("ffffffff", "blob is null", static (ref WireReader reader) => reader.ReadBytes("blob", false));
        Refuses("ffffffff", "records is null", static (ref WireReader reader) => reader.ReadRecords("records", false));
        Refuses("00", "list is null", static (ref WireReader reader) => reader.ReadArrayCount("list", true, 1));
    }

    [Fact]
    public void A_count_must_fit_into_the_bytes_that_are_left()
    {
        Refuses("00000003 00000000 000000", "claims 3 elements", static (ref WireReader reader) => reader.ReadArrayCount("list", false, 4));
        Refuses("7fffffff", "list", static (ref WireReader reader) => reader.ReadArrayCount("list", false, 1));
        Refuses("7f 00", "owner claims 127 tagged fields", static (ref WireReader reader) => reader.ReadTagCount("owner"));
        var reader = Reader("00000002 0000000000000000");
        Assert.Equal(2, reader.ReadArrayCount("list", compact: false, leastBytes: 4));
    }

    [Fact]
    public void All_arrays_together_have_no_more_elements_than_allowed()
    {
        var reader = new WireReader(WireHex.Bytes("00000002 0000 03 0000"), maxElements: 4);
        Assert.Equal(2, reader.ReadArrayCount("first", compact: false, 1));
        reader.ReadInt16("elements");
        Assert.Equal(2, reader.ReadArrayCount("second", compact: true, 1));
        var refusing = new WireReader(WireHex.Bytes("00000002 0000 03 0000"), maxElements: 3);
        refusing.ReadArrayCount("first", compact: false, 1);
        refusing.ReadInt16("elements");
        string message = "";
        try
        {
            refusing.ReadArrayCount("second", compact: true, 1);
        }
        catch (MalformedMessageException error)
        {
            message = error.Message;
        }
        Assert.Contains("second has 2 elements, of which only 1 are allowed", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_gets_room_for_few_elements_at_once() => Assert.True(WireReader.Capacity(int.MaxValue) <= 4096);

    [Fact]
    public void Strings_must_be_UTF8()
    {
        Refuses("0002 c328", "topic is not UTF-8", static (ref WireReader reader) => reader.ReadString("topic", false));
        Refuses("0003 eda080", "topic", static (ref WireReader reader) => reader.ReadString("topic", false));
    }

    [Fact]
    public void Compact_strings_are_as_short_as_the_others_must_be()
    {
        var input = new byte[40_000];
        Varint.Write(input, 32_768 + 1);
        var error = Assert.Throws<MalformedMessageException>(() => new WireReader(input).ReadString("topic", compact: true));
        Assert.Contains("topic", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Presence_is_one_or_minus_one()
    {
        var reader = Reader("01 ff");
        Assert.True(reader.ReadPresence("cursor", nullable: true));
        Assert.False(reader.ReadPresence("cursor", nullable: true));
        Assert.True(reader.ReadPresence("cursor", nullable: false));
        Refuses("00", "cursor", static (ref WireReader reader) => reader.ReadPresence("cursor", true));
    }

    [Fact]
    public void Versions_outside_of_the_range_are_the_callers_fault()
    {
        WireReader.CheckVersion(3, 3, 5, "M");
        Assert.Throws<ArgumentOutOfRangeException>(() => WireReader.CheckVersion(2, 3, 5, "M"));
        Assert.Throws<ArgumentOutOfRangeException>(() => WireReader.CheckVersion(6, 3, 5, "M"));
    }

    private static WireReader Reader(string hex) => new(WireHex.Bytes(hex));

    private static void Refuses(string hex, string mention, Read read)
    {
        var error = Assert.Throws<MalformedMessageException>(() =>
        {
            var reader = Reader(hex);
            read(ref reader);
        });
        Assert.Contains(mention, error.Message, StringComparison.Ordinal);
    }
}

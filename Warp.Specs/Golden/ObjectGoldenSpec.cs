using System.Text;
using Warp.Actors.Sequencing;
using Warp.Specs.Streams.Format;
using Warp.Streams.Format;
using Xunit;

namespace Warp.Specs.Golden;

/// <summary>Version 1 of the object format, frozen: objects of old releases stay in stores for years.</summary>
public sealed class ObjectGoldenSpec
{
    [Fact]
    public void Encoding_gives_exactly_the_stored_bytes()
    {
        using EncodedObject encoded = Encode();
        Assert.Equal(Convert.ToHexString(Stored()), Convert.ToHexString(encoded.ToArray()));
    }

    [Fact]
    public void Stored_bytes_can_still_be_read()
    {
        byte[] bytes = Stored();
        ObjectHeader.Verify(bytes);
        ObjectFooter footer = ObjectFooter.Parse(bytes, bytes.Length);

        using EncodedObject encoded = Encode();
        FooterAssert.Same(encoded.Footer(), footer);
        Assert.Equal("01K9KZ3M00000000000000002A", footer.ObjectId.ToString());
        FooterExtent extent = footer.Extents[1];
        Assert.Equal("events 1 first"u8, bytes.AsSpan((int)extent.Position, 14));
        Assert.Equal((2, 7L, 1_790_000_000_100L), (extent.BatchCount, extent.RecordCount, extent.MaxTimestamp));
        Assert.Equal(2, footer.IndexOf(footer.Extents[2]).Length);
    }

    private static EncodedObject Encode()
    {
        Assert.True(ObjectId.TryParse("01K9KZ3M00000000000000002A", out ObjectId id));
        var events = new Guid("00112233-4455-6677-8899-aabbccddeeff");
        var orders = new Guid("f0112233-4455-6677-8899-aabbccddeeff");
        return ObjectWriter.Encode(id, DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123), "warp-golden",
        [
            new BatchToWrite(orders, 3, Text("orders 3 first, ", 40_000), 100, 1_790_000_000_050),
            new BatchToWrite(events, 1, Text("events 1 first", 14), 4, 1_790_000_000_100),
            new BatchToWrite(events, 0, Text("events 0", 8), 1, -1),
            new BatchToWrite(orders, 3, Text("orders 3 second, ", 30_000), 200, 1_790_000_000_200),
            new BatchToWrite(events, 1, Text("events 1 second", 15), 3, 1_790_000_000_090),
        ]);
    }

    private static byte[] Text(string text, int length)
    {
        var repeated = new StringBuilder();
        while (repeated.Length < length)
            repeated.Append(text);
        return Encoding.ASCII.GetBytes(repeated.ToString(0, length));
    }

    /// <summary>The file lies in the source tree, above the folder that the tests are built into.</summary>
    private static byte[] Stored()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, "Golden", "Object-v1.bin");
            if (File.Exists(path))
                return File.ReadAllBytes(path);
        }
        throw new FileNotFoundException("Golden/Object-v1.bin is not above the test assembly.");
    }
}

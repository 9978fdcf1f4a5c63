using Warp.Protocol.Compression;
using Warp.Protocol.Records;

namespace Warp.Bench.Micro;

/// <summary>What benchmarks work on: 1 KiB records that compress to about a half.</summary>
internal static class Samples
{
    private const int RecordBytes = 1024;

    /// <summary>Bytes of text.</summary>
    public static byte[] Text(int length)
    {
        var random = new Random(1);
        var text = new byte[length];
        for (int i = 0; i < text.Length; i++)
            text[i] = (byte)('a' + random.Next(16));
        return text;
    }

    /// <summary>A batch of records.</summary>
    public static byte[] Batch(int bytes, CompressionType codec = CompressionType.None)
    {
        var builder = new RecordBatchBuilder { Codec = codec };
        byte[] value = Text(RecordBytes);
        for (int i = 0; i < bytes / RecordBytes; i++)
            builder.Append(1_700_000_000_000 + i, null, value);
        return builder.Build();
    }
}

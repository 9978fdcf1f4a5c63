namespace Warp.Streams.Format;

/// <summary>The frozen numbers of the object file format; <c>docs/FORMAT.md</c> describes the bytes.</summary>
public static class ObjectFormat
{
    /// <summary>The version that is written, and the newest that can be read.</summary>
    public const int Version = 1;

    /// <summary>Bytes before the first batch.</summary>
    public const int HeaderBytes = 8;

    /// <summary>Bytes after the footer, at the very end of the object.</summary>
    public const int TrailerBytes = 12;

    /// <summary>An object is written, cached and fetched in chunks of this many bytes; only the last one may be shorter.</summary>
    public const int ChunkSize = 4 << 20;

    /// <summary>
    /// An index span holds whole batches of at most this many bytes together, or one batch that is larger. Ten bytes of index for
    /// 64 KiB of data are 0.02 %.
    /// </summary>
    public const int IndexSpanBytes = 64 << 10;

    /// <summary>A footer that claims to be longer is refused before anything is read or allocated for it.</summary>
    public const int MaxFooterBytes = 64 << 20;

    /// <summary>The longest cluster id, in bytes of UTF-8.</summary>
    public const int MaxClusterIdBytes = 255;

    internal static ReadOnlySpan<byte> HeaderMagic => "WARP"u8;

    internal static ReadOnlySpan<byte> TrailerMagic => "PRAW"u8;

    /// <summary>How many chunks an object of this many bytes has.</summary>
    public static int ChunkCount(long objectSize) => checked((int)((objectSize + ChunkSize - 1) / ChunkSize));

    /// <summary>How many bytes one chunk of an object has.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The object has no such chunk.</exception>
    public static int ChunkLength(long objectSize, int chunkNumber)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(chunkNumber);
        long left = objectSize - ((long)chunkNumber * ChunkSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(left, nameof(chunkNumber));
        return (int)Math.Min(left, ChunkSize);
    }
}

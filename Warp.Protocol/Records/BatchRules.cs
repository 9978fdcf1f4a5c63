namespace Warp.Protocol.Records;

/// <summary>What a topic and the version of the request allow in a produced batch.</summary>
public readonly record struct BatchRules
{
    public BatchRules()
    {
    }

    /// <summary>The topic's <c>max.message.bytes</c>: the whole batch, as sent.</summary>
    public required int MaxMessageBytes { get; init; }

    /// <summary>Zstandard came with Produce v7 (KIP-110).</summary>
    public bool AllowZstd { get; init; } = true;

    /// <summary>The topic is compacted: every record needs a key. Makes the validator decompress the batch and walk its records.</summary>
    public bool RequireKeys { get; init; }

    /// <summary>The earliest timestamp allowed, in milliseconds since 1970 (<c>message.timestamp.before.max.ms</c>).</summary>
    public long EarliestTimestamp { get; init; } = long.MinValue;

    /// <summary>The latest timestamp allowed, in milliseconds since 1970 (<c>message.timestamp.after.max.ms</c>).</summary>
    public long LatestTimestamp { get; init; } = long.MaxValue;

    /// <summary>What the records may take when they must be decompressed, in bytes.</summary>
    public int MaxDecompressedBytes { get; init; } = 64 << 20;
}

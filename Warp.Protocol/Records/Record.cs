namespace Warp.Protocol.Records;

/// <summary>
/// One record of a batch, seen in place: its spans live as long as the <see cref="RecordBatchReader"/> that gave it.
/// </summary>
public readonly ref struct Record
{
    /// <summary>Offset in the log minus the batch's base offset.</summary>
    public int OffsetDelta { get; init; }

    /// <summary>Offset in the log, by the base offset in the header.</summary>
    public long Offset { get; init; }

    /// <summary>Milliseconds to add to the batch's base timestamp.</summary>
    public long TimestampDelta { get; init; }

    /// <summary>Milliseconds since 1970; the batch's max timestamp when that is a LogAppendTime one.</summary>
    public long Timestamp { get; init; }

    /// <summary>False when the key is null, which is not the same as empty.</summary>
    public bool HasKey { get; init; }

    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>False when the value is null: a tombstone in a compacted topic.</summary>
    public bool HasValue { get; init; }

    public ReadOnlySpan<byte> Value { get; init; }

    public RecordHeaders Headers { get; init; }

    /// <summary>The record's bytes from the offset delta on: all that stays the same when its batch is written anew.</summary>
    internal ReadOnlySpan<byte> FromOffsetDelta { get; init; }
}

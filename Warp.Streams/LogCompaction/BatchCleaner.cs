using Warp.Protocol.Records;

namespace Warp.Streams.LogCompaction;

/// <summary>
/// Leaves dead records and old tombstones out of the batches of a log, one batch after the other. Not thread-safe.
/// </summary>
/// <param name="dead">From a <see cref="KeyScan"/> over the same batches.</param>
/// <param name="nowMs">The present, in ms since 1970.</param>
/// <param name="deleteRetentionMs">How long a tombstone stays after it was first cleaned (<c>delete.retention.ms</c>).</param>
/// <param name="maxDecompressedBytes">What the records of one batch may take.</param>
public sealed class BatchCleaner(DeadRecords dead, long nowMs, long deleteRetentionMs, int maxDecompressedBytes)
{
    private long _ordinal;

    /// <summary>When the first of the tombstones that stay may go, in ms since 1970; null when there are none.</summary>
    public long? EarliestDeleteHorizonMs { get; private set; }

    /// <summary>Records that stay so far.</summary>
    public long KeptCount { get; private set; }

    /// <summary>Records that were left out so far.</summary>
    public long RemovedCount { get; private set; }

    /// <summary>Cleans the next batch of the log.</summary>
    /// <param name="batch">A whole batch, its CRC checked.</param>
    /// <returns>The batch itself when all of it stays, else one with the rest; empty when nothing stays.</returns>
    /// <exception cref="CorruptRecordException">It cannot be read.</exception>
    public ReadOnlyMemory<byte> Clean(ReadOnlyMemory<byte> batch)
    {
        Findings found = Look(batch.Span);
        _ordinal += found.Count;
        KeptCount += found.Kept;
        RemovedCount += found.Count - found.Kept;
        if (found.Tombstones > 0 && (EarliestDeleteHorizonMs is not { } earliest || found.HorizonMs < earliest))
            EarliestDeleteHorizonMs = found.HorizonMs;
        if (found.Kept == 0)
            return default;
        long? newHorizon = found is { Tombstones: > 0, HasHorizon: false } ? found.HorizonMs : null;
        if (found.Kept == found.Count && newHorizon is null)
            return batch;
        long ordinal = _ordinal - found.Count;
        return RecordBatchFilter.Filter(
            batch.Span, (in Record record) => Stays(record, ordinal++, found.TombstonesMayGo), newHorizon, maxDecompressedBytes);
    }

    private Findings Look(ReadOnlySpan<byte> batch)
    {
        using RecordBatchReader reader = RecordBatchReader.Open(batch, maxDecompressedBytes);
        RecordBatchHeader header = reader.Header;
        if (header.IsControl)
            return new Findings { Count = header.RecordsCount, Kept = header.RecordsCount };
        var found = new Findings
        {
            Count = header.RecordsCount,
            HasHorizon = header.HasDeleteHorizon,
            HorizonMs = header.HasDeleteHorizon ? header.BaseTimestamp : SaturatingAdd(nowMs, deleteRetentionMs),
            TombstonesMayGo = header.HasDeleteHorizon && header.BaseTimestamp <= nowMs,
        };
        for (long ordinal = _ordinal; reader.TryRead(out Record record); ordinal++)
        {
            if (!Stays(record, ordinal, found.TombstonesMayGo))
                continue;
            found.Kept++;
            if (!record.HasValue)
                found.Tombstones++;
        }
        return found;
    }

    private bool Stays(in Record record, long ordinal, bool tombstonesMayGo) => !dead[ordinal] && (record.HasValue || !tombstonesMayGo);

    private static long SaturatingAdd(long one, long other) => one > long.MaxValue - other ? long.MaxValue : one + other;

    private record struct Findings
    {
        public int Count { get; init; }

        public int Kept { get; set; }

        public int Tombstones { get; set; }

        public bool HasHorizon { get; init; }

        public long HorizonMs { get; init; }

        public bool TombstonesMayGo { get; init; }
    }
}

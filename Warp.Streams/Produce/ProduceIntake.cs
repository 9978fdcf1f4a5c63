using System.Runtime.InteropServices;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster;
using Warp.Actors.Sequencing;
using Warp.Protocol.Compression;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Streams.Produce;

/// <summary>
/// Checks what a producer sent for a partition and makes it a <see cref="PendingBatch"/>. Works on the bytes where they were received.
/// Thread-safe.
/// </summary>
public sealed class ProduceIntake(ClusterClock clock)
{
    /// <summary>What the records of one batch may take when they must be looked into.</summary>
    private const int MaxDecompressedBytes = 64 << 20;

    /// <summary>Checks the records of one partition.</summary>
    /// <param name="topic">The topic, with its configs.</param>
    /// <param name="partition">One of its partitions.</param>
    /// <param name="records">Exactly one batch is accepted; a slice of <paramref name="owner"/>.</param>
    /// <param name="owner">The request's bytes; the batch takes a reference, and may write to them (LogAppendTime).</param>
    /// <param name="allowZstd">Whether the version of the request knows zstd (KIP-110).</param>
    /// <param name="spare">A batch that may be used again for what is accepted.</param>
    public IntakeResult Accept(
        TopicImage topic, int partition, ReadOnlyMemory<byte> records, PooledBuffer owner, bool allowZstd, PendingBatch? spare = null)
    {
        EffectiveTopicConfig config = topic.Config;
        long now = clock.Now.ToUnixTimeMilliseconds();
        bool appendTime = config.TimestampType == TimestampType.LogAppendTime;
        var rules = new BatchRules
        {
            MaxMessageBytes = config.MaxMessageBytes,
            AllowZstd = allowZstd,
            RequireKeys = config.IsCompacted,
            EarliestTimestamp = appendTime ? long.MinValue : Before(now, config.TimestampBeforeMaxMs),
            LatestTimestamp = appendTime ? long.MaxValue : After(now, config.TimestampAfterMaxMs),
            MaxDecompressedBytes = MaxDecompressedBytes,
        };
        BatchDefect defect = RecordBatchValidator.Validate(records.Span, rules, out RecordBatchHeader header);
        if (defect != BatchDefect.None)
            return Refuse(defect, records);
        if (header.IsTransactional)
            return IntakeResult.Refused(ErrorCode.InvalidTxnState, "Transactions are not available on this broker.");
        try
        {
            header = Stamp(records, owner, header, appendTime, now);
        }
        catch (CorruptRecordException error)
        {
            return IntakeResult.Refused(ErrorCode.InvalidRecord, error.Message);
        }
        catch (CodecUnavailableException)
        {
            return Refuse(BatchDefect.CodecUnavailable, records);
        }
        // A max timestamp that was left out has not been looked at yet.
        if (header.MaxTimestamp != RecordBatchHeader.NoTimestamp
            && (header.MaxTimestamp < rules.EarliestTimestamp || header.MaxTimestamp > rules.LatestTimestamp))
        {
            return Refuse(BatchDefect.TimestampOutOfRange, records);
        }
        var place = new TopicPartition(topic.Id, partition);
        if (spare is null)
            spare = new PendingBatch(place, records, owner, header);
        else
            spare.Begin(place, records, owner, header);
        return new IntakeResult(ErrorCode.None, null, [], spare, appendTime ? now : -1);
    }

    private static IntakeResult Refuse(BatchDefect defect, ReadOnlyMemory<byte> records)
    {
        (short code, string text) = BatchDefects.Describe(defect);
        IReadOnlyList<int> missing = defect == BatchDefect.MissingKey
            ? RecordBatchValidator.FindRecordsWithoutKey(records.Span, MaxDecompressedBytes)
            : [];
        return IntakeResult.Refused((ErrorCode)code, text) with { BadRecords = missing };
    }

    /// <summary>Writes the time of the append into the batch, or the max timestamp that some clients leave out.</summary>
    private static RecordBatchHeader Stamp(
        ReadOnlyMemory<byte> records, PooledBuffer owner, in RecordBatchHeader header, bool appendTime, long now)
    {
        if (!appendTime && header.MaxTimestamp != RecordBatchHeader.NoTimestamp)
            return header;
        Span<byte> batch = Writable(records, owner);
        if (appendTime)
            RecordBatchHeader.SetLogAppendTime(batch, now);
        else if (RecordBatchReader.ComputeMaxTimestamp(batch, MaxDecompressedBytes) is var latest && latest != header.MaxTimestamp)
            RecordBatchHeader.SetMaxTimestamp(batch, latest);
        RecordBatchHeader.TryRead(batch, out RecordBatchHeader stamped);
        return stamped;
    }

    /// <summary>The same bytes, to write to: they are in the request's own buffer.</summary>
    private static Span<byte> Writable(ReadOnlyMemory<byte> records, PooledBuffer owner)
    {
        if (!MemoryMarshal.TryGetArray(records, out ArraySegment<byte> segment) || segment.Array != owner.Array)
            throw new ArgumentException("The records are not a slice of their owner.", nameof(records));
        return segment;
    }

    private static long Before(long now, long span) => span > now ? long.MinValue : now - span;

    private static long After(long now, long span) => span > long.MaxValue - now ? long.MaxValue : now + span;
}

/// <summary>What <see cref="ProduceIntake"/> made of the records of a partition.</summary>
/// <param name="Error">None, or Kafka's error.</param>
/// <param name="Message">What was wrong.</param>
/// <param name="BadRecords">Which records were at fault, where that is known.</param>
/// <param name="Batch">The batch, when there is no error.</param>
/// <param name="LogAppendTimeMs">The time written into the batch; −1 when the client's times stay.</param>
public readonly record struct IntakeResult(
    ErrorCode Error, string? Message, IReadOnlyList<int> BadRecords, PendingBatch? Batch, long LogAppendTimeMs)
{
    internal static IntakeResult Refused(ErrorCode error, string message) => new(error, message, [], null, -1);
}

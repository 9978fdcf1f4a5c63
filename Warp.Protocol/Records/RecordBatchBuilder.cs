using System.Buffers;
using System.Text;
using Warp.Protocol.Compression;

namespace Warp.Protocol.Records;

/// <summary>Builds one record batch, as a producer would. Not thread-safe.</summary>
public sealed class RecordBatchBuilder
{
    private readonly ArrayBufferWriter<byte> _records = new();
    private long _baseTimestamp;
    private long _maxTimestamp = RecordBatchHeader.NoTimestamp;

    /// <summary>Producers leave it 0: the broker gives the batch its place.</summary>
    public long BaseOffset { get; init; }

    public int PartitionLeaderEpoch { get; init; } = -1;

    public CompressionType Codec { get; init; }

    public long ProducerId { get; init; } = RecordBatchHeader.NoProducerId;

    public short ProducerEpoch { get; init; } = RecordBatchHeader.NoProducerEpoch;

    public int BaseSequence { get; init; } = RecordBatchHeader.NoSequence;

    public bool IsTransactional { get; init; }

    public bool IsControl { get; init; }

    /// <summary>Records appended so far.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a record behind the last one.</summary>
    /// <param name="timestamp">Milliseconds since 1970.</param>
    /// <param name="key">Null is allowed, and is not the same as empty.</param>
    /// <param name="value">Null is a tombstone.</param>
    /// <param name="headers">In order; names may repeat, values may be null.</param>
    /// <returns>This builder.</returns>
    public RecordBatchBuilder Append(
        long timestamp, byte[]? key, byte[]? value, params ReadOnlySpan<KeyValuePair<string, byte[]?>> headers)
    {
        if (Count == 0)
            _baseTimestamp = timestamp;
        _maxTimestamp = Math.Max(_maxTimestamp, timestamp);

        // The record's length comes before it, as a varint of unknown size: so the record is made first.
        var body = new ArrayBufferWriter<byte>(64 + (key?.Length ?? 0) + (value?.Length ?? 0));
        body.Write((ReadOnlySpan<byte>)[0]); // The record's attributes: none are defined.
        RecordVarint.Write(body, timestamp - _baseTimestamp);
        RecordVarint.Write(body, Count);
        WriteNullable(body, key);
        WriteNullable(body, value);
        RecordVarint.Write(body, headers.Length);
        foreach ((string name, byte[]? content) in headers)
        {
            WriteNullable(body, Encoding.UTF8.GetBytes(name));
            WriteNullable(body, content);
        }
        RecordVarint.Write(_records, body.WrittenCount);
        _records.Write(body.WrittenSpan);
        Count++;
        return this;
    }

    /// <summary>The batch with the records appended so far.</summary>
    /// <exception cref="InvalidOperationException">No record was appended.</exception>
    /// <exception cref="CodecUnavailableException">The codec's native library is missing.</exception>
    public byte[] Build()
    {
        if (Count == 0)
            throw new InvalidOperationException("A record batch needs a record.");
        var batch = new ArrayBufferWriter<byte>(RecordBatchHeader.Size + _records.WrittenCount);
        batch.Advance(RecordBatchHeader.Size);
        if (Codec == CompressionType.None)
            batch.Write(_records.WrittenSpan);
        else
            Codecs.For(Codec).Compress(_records.WrittenSpan, batch);

        byte[] bytes = batch.WrittenSpan.ToArray();
        new RecordBatchHeader
        {
            BaseOffset = BaseOffset,
            BatchLength = bytes.Length - RecordBatchHeader.LogOverhead,
            PartitionLeaderEpoch = PartitionLeaderEpoch,
            Magic = RecordBatchHeader.CurrentMagic,
            Attributes = Attributes(),
            LastOffsetDelta = Count - 1,
            BaseTimestamp = _baseTimestamp,
            MaxTimestamp = _maxTimestamp,
            ProducerId = ProducerId,
            ProducerEpoch = ProducerEpoch,
            BaseSequence = BaseSequence,
            RecordsCount = Count,
        }.Write(bytes);
        RecordBatchHeader.SetCrc(bytes);
        return bytes;
    }

    private short Attributes()
    {
        int bits = (int)Codec;
        if (IsTransactional)
            bits |= RecordBatchHeader.TransactionalBit;
        if (IsControl)
            bits |= RecordBatchHeader.ControlBit;
        return (short)bits;
    }

    private static void WriteNullable(ArrayBufferWriter<byte> output, byte[]? bytes)
    {
        RecordVarint.Write(output, bytes?.Length ?? -1);
        output.Write(bytes);
    }
}

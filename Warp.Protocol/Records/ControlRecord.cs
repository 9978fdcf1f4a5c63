using System.Buffers.Binary;

namespace Warp.Protocol.Records;

/// <summary>What a control batch says. The numbers are Kafka's; those above 1 occur in its controller log only.</summary>
public enum ControlRecordType : short
{
    Abort = 0,
    Commit = 1,
}

/// <summary>
/// The end marker of a transaction (KIP-98): one record in a control batch, key (int16 version, int16 type), value (int16 version,
/// int32 coordinator epoch). It takes one offset and is never given to applications.
/// </summary>
/// <param name="Type">How the transaction ended.</param>
/// <param name="CoordinatorEpoch">Epoch of the coordinator that ended it.</param>
public readonly record struct ControlRecord(ControlRecordType Type, int CoordinatorEpoch)
{
    private const short Version = 0;
    private const int KeyBytes = 4;
    private const int ValueBytes = 6;

    /// <summary>Reads a marker.</summary>
    /// <param name="record">The only record of a control batch.</param>
    /// <param name="control">Undefined when false is returned.</param>
    /// <returns>False for a version or type that is not known, which a reader skips.</returns>
    /// <exception cref="CorruptRecordException">Key or value are too short.</exception>
    public static bool TryRead(in Record record, out ControlRecord control)
    {
        control = default;
        if (record.Key.Length < KeyBytes)
            throw new CorruptRecordException("The key of a control record is cut.");
        if (BinaryPrimitives.ReadInt16BigEndian(record.Key) != Version)
            return false;
        var type = (ControlRecordType)BinaryPrimitives.ReadInt16BigEndian(record.Key[2..]);
        if (type is not (ControlRecordType.Abort or ControlRecordType.Commit))
            return false;
        if (record.Value.Length < ValueBytes)
            throw new CorruptRecordException("The value of a control record is cut.");
        control = new ControlRecord(type, BinaryPrimitives.ReadInt32BigEndian(record.Value[2..]));
        return true;
    }

    /// <summary>Makes the control batch of this marker.</summary>
    /// <param name="producerId">The transaction's producer.</param>
    /// <param name="producerEpoch">The producer's epoch when the transaction ended.</param>
    /// <param name="timestamp">Milliseconds since 1970.</param>
    /// <param name="baseOffset">The marker's offset.</param>
    public byte[] BuildBatch(long producerId, short producerEpoch, long timestamp, long baseOffset = 0)
    {
        var key = new byte[KeyBytes];
        BinaryPrimitives.WriteInt16BigEndian(key, Version);
        BinaryPrimitives.WriteInt16BigEndian(key.AsSpan(2), (short)Type);
        var value = new byte[ValueBytes];
        BinaryPrimitives.WriteInt16BigEndian(value, Version);
        BinaryPrimitives.WriteInt32BigEndian(value.AsSpan(2), CoordinatorEpoch);
        return new RecordBatchBuilder
        {
            BaseOffset = baseOffset,
            PartitionLeaderEpoch = 0,
            ProducerId = producerId,
            ProducerEpoch = producerEpoch,
            IsTransactional = true,
            IsControl = true,
        }.Append(timestamp, key, value).Build();
    }
}

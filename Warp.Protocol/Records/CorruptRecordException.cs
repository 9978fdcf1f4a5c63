namespace Warp.Protocol.Records;

/// <summary>Record bytes that do not follow the format: a damaged batch, record or compressed block. Kafka's CORRUPT_MESSAGE.</summary>
public class CorruptRecordException : Exception
{
    public CorruptRecordException(string message)
        : base(message)
    {
    }

    public CorruptRecordException(string message, Exception cause)
        : base(message, cause)
    {
    }
}

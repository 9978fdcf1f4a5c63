namespace Warp.Protocol.Records;

/// <summary>Who set the timestamps of a batch: bit 3 of its attributes (KIP-32).</summary>
public enum TimestampType
{
    /// <summary>The producer; each record has its own.</summary>
    CreateTime = 0,

    /// <summary>The broker at append; every record has the batch's max timestamp.</summary>
    LogAppendTime = 1,
}

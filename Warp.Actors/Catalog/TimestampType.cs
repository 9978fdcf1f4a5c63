namespace Warp.Actors.Catalog;

/// <summary>Whose clock a record's timestamp shows (KIP-32).</summary>
public enum TimestampType
{
    /// <summary>The producer's.</summary>
    CreateTime = 0,

    /// <summary>The broker's, at the moment of the append.</summary>
    LogAppendTime = 1,
}

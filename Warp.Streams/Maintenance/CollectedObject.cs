namespace Warp.Streams.Maintenance;

/// <summary>An object that a collector has deleted, or would delete.</summary>
/// <param name="Key">Its key in the store.</param>
/// <param name="SizeBytes">Its size; 0 when it is not known.</param>
/// <param name="Reason">What kind of garbage it is.</param>
/// <param name="Why">The same in words, with the times.</param>
public sealed record CollectedObject(string Key, long SizeBytes, CollectionReason Reason, string Why);

/// <summary>Kinds of garbage.</summary>
public enum CollectionReason
{
    /// <summary>Retention, the deletion of a topic, or compaction took the last of what was needed of it.</summary>
    Released,

    /// <summary>The job that was to write it never came to use it.</summary>
    Expired,

    /// <summary>It was written, but never committed.</summary>
    Orphaned,

    /// <summary>A collector died, or the store failed, between the row and the object; or the object came back.</summary>
    Unfinished,
}

/// <summary>What a sweep came to.</summary>
/// <param name="Objects">How many objects were deleted, or would be.</param>
/// <param name="Bytes">Their bytes, as far as known.</param>
/// <param name="Uploads">How many unfinished uploads were given up.</param>
public readonly record struct SweepResult(long Objects, long Bytes, int Uploads);

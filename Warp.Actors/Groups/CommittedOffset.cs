namespace Warp.Actors.Groups;

/// <summary>What a group has committed for one partition.</summary>
/// <param name="Offset">The next record to read; any value, as the client sent it.</param>
/// <param name="LeaderEpoch">The epoch of the last record read, −1 when not known.</param>
/// <param name="Metadata">The client's note; never null.</param>
/// <param name="CommitTimeMs">When it was committed, in ms since 1970.</param>
/// <param name="ExpireTimeMs">When it expires, if the commit asked for a retention of its own; otherwise −1.</param>
public sealed record CommittedOffset(long Offset, int LeaderEpoch, string Metadata, long CommitTimeMs, long ExpireTimeMs);

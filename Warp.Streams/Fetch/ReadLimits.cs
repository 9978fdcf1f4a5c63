namespace Warp.Streams.Fetch;

/// <summary>How much of a partition is read.</summary>
/// <param name="MaxBytes">No batch is added that goes past it…</param>
/// <param name="AtLeastOne">…but for the very first, if this is so.</param>
/// <param name="ReadAheadBytes">How far beyond it chunks are fetched for the next time.</param>
public readonly record struct ReadLimits(int MaxBytes, bool AtLeastOne, int ReadAheadBytes);

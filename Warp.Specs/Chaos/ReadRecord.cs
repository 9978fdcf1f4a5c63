namespace Warp.Specs.Chaos;

/// <summary>A record as a consumer got it.</summary>
/// <param name="Partition">That it was read from.</param>
/// <param name="Offset">That it was read at.</param>
/// <param name="Value">Its value.</param>
public readonly record struct ReadRecord(int Partition, long Offset, HistoryValue Value);

namespace Warp.Streams.Objects.Quorum;

/// <summary>What a repair has found.</summary>
/// <param name="Objects">How many objects there are in the stores together.</param>
/// <param name="Copied">How many copies were missing and have been made.</param>
/// <param name="Failed">How many copies are missing still.</param>
public readonly record struct QuorumRepair(long Objects, long Copied, long Failed);

namespace Warp.Streams.Compaction;

/// <summary>A job ended early for a reason that lies neither in the store nor in an input; everything is as it was.</summary>
public sealed class CompactionException(string message) : Exception(message);

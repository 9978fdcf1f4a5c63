namespace Warp.Streams.Compaction;

/// <summary>What a worker may use.</summary>
/// <param name="MemoryBytes">For record bytes on their way from the inputs to the outputs, whatever a job's size.</param>
/// <param name="BytesPerSecond">Read from and written to the store together.</param>
public sealed record CompactionSettings(long MemoryBytes, long BytesPerSecond)
{
    /// <summary>
    /// The length of an upload's parts: large enough that 1 GiB needs few, small enough that pooled buffers hold them. One is being filled
    /// while the other is on its way, and the two get at most a quarter of the memory.
    /// </summary>
    internal int PartBytes => (int)Math.Clamp(PowerOfTwoBelow(MemoryBytes / 8), 8 << 20, 16 << 20);

    /// <summary>What may be held of the inputs at one moment.</summary>
    internal long ReadBytes => Math.Max(1 << 20, MemoryBytes - (2L * PartBytes));

    internal static long PowerOfTwoBelow(long value) => 1L << (int)long.Log2(Math.Max(1, value));
}

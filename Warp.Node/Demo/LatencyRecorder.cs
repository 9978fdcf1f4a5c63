using System.Numerics;

namespace Warp.Node.Demo;

/// <summary>
/// Counts durations in buckets that widen with the duration (as HdrHistogram does), so that any percentile is known to within 1 % in a
/// fixed 26 KiB. Thread-safe; recording takes no lock.
/// </summary>
/// <remarks>
/// Durations are counted in microseconds. Below 128 µs each has a bucket of its own; above, each power of two is cut into 64
/// buckets, so a bucket is at most 1/64 of its lower bound wide, and its middle at most 1/128 off.
/// </remarks>
public sealed class LatencyRecorder
{
    private const int SubBucketBits = 6;
    private const int SubBuckets = 1 << SubBucketBits;
    private const int ExactBelow = 2 * SubBuckets;

    /// <summary>2^56 µs: more than two thousand years.</summary>
    private const int LongestBits = 56;

    private const int BucketCount = ExactBelow + ((LongestBits - SubBucketBits - 1) * SubBuckets);

    private readonly long[] _counts = new long[BucketCount];
    private long _max;

    /// <summary>Counts a duration; one below zero counts as zero.</summary>
    public void Record(TimeSpan duration)
    {
        long microseconds = Math.Max(0, duration.Ticks / TimeSpan.TicksPerMicrosecond);
        Interlocked.Increment(ref _counts[BucketOf(microseconds)]);
        long seen = Volatile.Read(ref _max);
        while (microseconds > seen)
        {
            long found = Interlocked.CompareExchange(ref _max, microseconds, seen);
            if (found == seen)
                return;
            seen = found;
        }
    }

    /// <summary>What has been counted so far.</summary>
    public LatencySnapshot Snapshot()
    {
        var counts = new long[BucketCount];
        for (int i = 0; i < counts.Length; i++)
            counts[i] = Volatile.Read(ref _counts[i]);
        return new LatencySnapshot(counts, Volatile.Read(ref _max));
    }

    /// <summary>The middle of a bucket, in microseconds.</summary>
    internal static long MiddleOf(int bucket)
    {
        if (bucket < ExactBelow)
            return bucket;
        int shift = ((bucket - ExactBelow) / SubBuckets) + 1;
        long lowest = (long)(SubBuckets + ((bucket - ExactBelow) % SubBuckets)) << shift;
        return lowest + (1L << (shift - 1));
    }

    private static int BucketOf(long microseconds)
    {
        if (microseconds < ExactBelow)
            return (int)microseconds;
        int shift = BitOperations.Log2((ulong)microseconds) - SubBucketBits;
        int subBucket = (int)(microseconds >> shift) - SubBuckets;
        return Math.Min(BucketCount - 1, ExactBelow + ((shift - 1) * SubBuckets) + subBucket);
    }
}

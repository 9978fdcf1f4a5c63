namespace Warp.Streams.Fetch;

/// <summary>
/// Bounds the memory of all fetches under way, from the reading of their records to the sending of the answers, however slowly consumers
/// take them: the less is left, the smaller answers become. Nobody waits: where nothing is left, a fetch gets one batch. Thread-safe.
/// </summary>
/// <param name="capacityBytes">The bound, 1 or more.</param>
public sealed class FetchMemory(long capacityBytes)
{
    /// <summary>One fetch gets this part of what is left at most, so that the next one finds some too.</summary>
    private const int LargestPart = 4;

    private long _usedBytes;

    /// <summary>The bound.</summary>
    public long CapacityBytes { get; } = capacityBytes;

    /// <summary>What has been granted and not been given back.</summary>
    public long UsedBytes => Volatile.Read(ref _usedBytes);

    /// <summary>Grants a fetch memory for its answer.</summary>
    /// <param name="wantedBytes">Of records, 0 or more.</param>
    public FetchGrant Take(long wantedBytes)
    {
        long part = Math.Max(0, CapacityBytes - UsedBytes) / LargestPart;
        int granted = (int)Math.Min(int.MaxValue, Math.Min(wantedBytes, part));
        var grant = new FetchGrant(this, granted);
        Interlocked.Add(ref _usedBytes, grant.ChargedBytes);
        return grant;
    }

    /// <summary>Adds to what was granted, if there is room for it.</summary>
    internal bool TryTakeMore(long bytes)
    {
        if (bytes == 0 || Interlocked.Add(ref _usedBytes, bytes) <= CapacityBytes)
            return true;
        Return(bytes);
        return false;
    }

    internal void Return(long bytes) => Interlocked.Add(ref _usedBytes, -bytes);
}

namespace Warp.Streams.Compaction;

/// <summary>
/// Keeps a rate of bytes: a bucket that holds what a second brings. Whoever finds too little in it takes it on credit, and waits until the
/// credit is paid back, so that a large piece waits as long as many small ones. Thread-safe.
/// </summary>
/// <param name="bytesPerSecond">The rate, 1 or more.</param>
/// <param name="time">The clock.</param>
public sealed class ByteRate(long bytesPerSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private double _balance = bytesPerSecond;
    private long _countedAt = time.GetTimestamp();

    /// <summary>Waits until so many bytes may be moved.</summary>
    public Task TakeAsync(long bytes, CancellationToken cancellationToken)
    {
        TimeSpan wait;
        lock (_gate)
        {
            long now = time.GetTimestamp();
            _balance = Math.Min(bytesPerSecond, _balance + (time.GetElapsedTime(_countedAt, now).TotalSeconds * bytesPerSecond)) - bytes;
            _countedAt = now;
            wait = TimeSpan.FromSeconds(Math.Max(0, -_balance) / bytesPerSecond);
        }
        return wait == TimeSpan.Zero ? Task.CompletedTask : Task.Delay(wait, time, cancellationToken);
    }
}

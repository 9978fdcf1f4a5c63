namespace Warp.Actors.Cluster;

/// <summary>
/// The database's clock as this node knows it: the last sample plus the monotonic time since. Deadlines, object ids and the times in
/// events come from here, so that a machine's wrong wall clock does not matter. Thread-safe.
/// </summary>
public sealed class ClusterClock(TimeProvider time)
{
    private Sample _sample = new(time.GetUtcNow(), time.GetTimestamp());

    /// <summary>The estimated time of the database.</summary>
    public DateTimeOffset Now
    {
        get
        {
            Sample sample = Volatile.Read(ref _sample);
            return sample.DatabaseTime + time.GetElapsedTime(sample.Timestamp);
        }
    }

    /// <summary>Takes over a reading. The time in which it travelled is not added: the clock may be a little late, never early.</summary>
    public void Observe(DateTimeOffset databaseTime) => Volatile.Write(ref _sample, new Sample(databaseTime, time.GetTimestamp()));

    /// <summary>
    /// Takes over a reading that was asked for at <paramref name="sentAt"/>, unless what is known agrees with it: when the answer lay about
    /// while this process stood still, the reading is old, and the clock that went on meanwhile is right.
    /// </summary>
    public void Observe(DateTimeOffset databaseTime, long sentAt)
    {
        DateTimeOffset known = Now;
        if (known < databaseTime || known > databaseTime + time.GetElapsedTime(sentAt))
            Observe(databaseTime);
    }

    private sealed record Sample(DateTimeOffset DatabaseTime, long Timestamp);
}

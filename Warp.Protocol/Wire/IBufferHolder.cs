namespace Warp.Protocol.Wire;

/// <summary>
/// Whoever answers for the memory that several <see cref="RecordSet"/>s keep in use: a small slice holds all of a large buffer. Thread-safe.
/// </summary>
public interface IBufferHolder
{
    /// <summary>Whether a record set may hold the buffer. Otherwise the slice is to be copied, and the buffer let go.</summary>
    bool MayHold(PooledBuffer buffer);

    /// <summary>A record set has been built, and holds what it was allowed to until it leaves.</summary>
    void Enter();

    /// <summary>A record set that was built has been disposed.</summary>
    void Leave();
}

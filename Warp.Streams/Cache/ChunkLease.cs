using Warp.Protocol.Wire;

namespace Warp.Streams.Cache;

/// <summary>
/// A chunk that stays in memory until the lease is disposed, whatever the cache does. Dispose it once; a copy is the same lease.
/// </summary>
public readonly struct ChunkLease : IDisposable
{
    internal ChunkLease(PooledBuffer buffer) => Buffer = buffer;

    /// <summary>The buffer, for whoever hands slices on: take a reference of your own for what outlives the lease.</summary>
    public PooledBuffer Buffer { get; }

    /// <summary>The chunk's bytes. Not to be written to: others read them.</summary>
    public ReadOnlyMemory<byte> Memory => Buffer.Memory;

    public void Dispose() => Buffer.Release();
}

namespace Warp.Streams.Cache;

/// <summary>The nodes that share the chunks of a zone: each chunk is kept by one of them, its owner. Thread-safe.</summary>
public interface IChunkRing
{
    /// <summary>Whether this node is the owner.</summary>
    bool IsOwn(ChunkKey chunk);

    /// <summary>Has the owner read a chunk, which it does from the store if it must.</summary>
    /// <param name="chunk">The chunk; another node's.</param>
    /// <param name="key">The object's key in the store.</param>
    /// <param name="objectSize">Bytes of the object; null if not known.</param>
    /// <param name="destination">Gets the chunk; as long as that is at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>How many bytes there are; null when the owner does not answer, or has no use for the question.</returns>
    Task<int?> ReadAsync(ChunkKey chunk, string key, long? objectSize, Memory<byte> destination, CancellationToken cancellationToken);
}

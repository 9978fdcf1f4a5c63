using System.Buffers;
using Warp.Actors.Sequencing;
using Warp.Protocol.Wire;

namespace Warp.Streams.Format;

/// <summary>
/// One object, ready to be put. Block n is chunk n of the object, so the blocks can go on into a chunk cache without a copy: whoever
/// keeps a block longer than this object lives takes a reference of its own.
/// </summary>
public sealed class EncodedObject : IDisposable
{
    private readonly PooledBuffer[] _blocks;
    private readonly int _batches;
    private long[]? _positions;

    /// <summary>Takes over the blocks, and an array of the pool with the positions.</summary>
    internal EncodedObject(ObjectId id, long length, PooledBuffer[] blocks, long[] positions, int batches)
    {
        Id = id;
        Length = length;
        _positions = positions;
        _batches = batches;
        _blocks = blocks;
        Content = Array.ConvertAll(blocks, block => (ReadOnlyMemory<byte>)block.Memory);
    }

    public ObjectId Id { get; }

    /// <summary>Bytes of the whole object.</summary>
    public long Length { get; }

    /// <summary>Blocks of <see cref="ObjectFormat.ChunkSize"/> bytes, the last one of what is left.</summary>
    public IReadOnlyList<PooledBuffer> Blocks => _blocks;

    /// <summary>The bytes of the blocks, for the object store. Valid until <see cref="Dispose"/>.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Content { get; }

    /// <summary>
    /// For each batch, in the order in which they were given to the writer, where it begins in the object. Valid until <see cref="Dispose"/>.
    /// </summary>
    public ReadOnlySpan<long> Positions => _positions.AsSpan(0, _positions is null ? 0 : _batches);

    /// <summary>Gives everything back; a second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _positions, null) is not { } positions)
            return;
        ArrayPool<long>.Shared.Return(positions);
        foreach (PooledBuffer block in _blocks)
            block.Release();
    }
}

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
    private int _disposed;

    internal EncodedObject(ObjectFooter footer, PooledBuffer[] blocks, long[] positions)
    {
        Footer = footer;
        Positions = positions;
        _blocks = blocks;
        Content = Array.ConvertAll(blocks, block => (ReadOnlyMemory<byte>)block.Memory);
    }

    public ObjectId Id => Footer.ObjectId;

    /// <summary>Bytes of the whole object.</summary>
    public long Length => Footer.ObjectSize;

    public ObjectFooter Footer { get; }

    /// <summary>Blocks of <see cref="ObjectFormat.ChunkSize"/> bytes, the last one of what is left.</summary>
    public IReadOnlyList<PooledBuffer> Blocks => _blocks;

    /// <summary>The bytes of the blocks, for the object store. Valid until <see cref="Dispose"/>.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Content { get; }

    /// <summary>For each batch, in the order in which they were given to the writer, where it begins in the object.</summary>
    public IReadOnlyList<long> Positions { get; }

    /// <summary>Gives the blocks back; a second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        foreach (PooledBuffer block in _blocks)
            block.Release();
    }
}

using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>The chunk is a slice of the frame: nothing is copied between the socket and whoever disposes this.</summary>
public sealed partial class ReadChunkResponse : IHoldsFrame
{
    private PooledBuffer? _frame;

    public void Hold(PooledBuffer frame) => _frame = frame;

    public void Dispose() => Interlocked.Exchange(ref _frame, null)?.Release();
}

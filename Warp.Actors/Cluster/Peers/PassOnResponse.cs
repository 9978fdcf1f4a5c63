using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>The body is a slice of the frame until whoever reads it disposes this.</summary>
public sealed partial class PassOnResponse : IHoldsFrame
{
    private PooledBuffer? _frame;

    public void Hold(PooledBuffer frame) => _frame = frame;

    public void Dispose() => Interlocked.Exchange(ref _frame, null)?.Release();
}

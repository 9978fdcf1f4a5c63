using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>What is in it is taken over before it is disposed.</summary>
public sealed partial class FollowCatalogResponse : IHoldsFrame
{
    private PooledBuffer? _frame;

    public void Hold(PooledBuffer frame) => _frame = frame;

    public void Dispose() => Interlocked.Exchange(ref _frame, null)?.Release();
}

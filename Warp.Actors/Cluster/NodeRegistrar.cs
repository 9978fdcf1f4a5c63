using Warp.Actors.Persistence;

namespace Warp.Actors.Cluster;

/// <summary>Registers a node that may just have been killed and started again.</summary>
public static class NodeRegistrar
{
    /// <summary>
    /// Registers the node. When its address is in use, that is most likely by its own earlier life, and it is waited until nothing has
    /// been heard of that for as long as a lease.
    /// </summary>
    /// <exception cref="AddressInUseException">Whoever has the address is alive.</exception>
    public static async Task<NodeIncarnation> RegisterAsync(
        IMembership membership, NodeRegistration node, TimeConstants times, TimeProvider time, CancellationToken cancellationToken)
    {
        NodeRow? seen = null;
        while (true)
        {
            try
            {
                return await membership.RegisterNodeAsync(node, times.Lease, cancellationToken);
            }
            catch (AddressInUseException error) when (seen is null || seen.HeartbeatAt == error.Holder.HeartbeatAt)
            {
                seen = error.Holder;
            }
            await Task.Delay(times.LeaseRenewal / 2, time, cancellationToken);
        }
    }
}

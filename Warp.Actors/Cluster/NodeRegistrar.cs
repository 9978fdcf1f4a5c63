using Warp.Actors.Persistence;

namespace Warp.Actors.Cluster;

/// <summary>Registers a node that may just have been killed and started again.</summary>
public static class NodeRegistrar
{
    /// <summary>
    /// Registers the node. When its address is in use, that is most likely by its own earlier life, and it is waited until nothing has
    /// been heard of that for as long as a lease; or for less, where the caller knows better.
    /// </summary>
    /// <param name="membership">The cluster.</param>
    /// <param name="node">What is registered.</param>
    /// <param name="silence">
    /// After what silence a process that has the node's address is sure to be dead. A caller that has taken the very port knows more than the
    /// journal does.
    /// </param>
    /// <param name="times">The cluster's.</param>
    /// <param name="time">For waits.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="AddressInUseException">Whoever has the address is alive.</exception>
    public static async Task<NodeIncarnation> RegisterAsync(
        IMembership membership,
        NodeRegistration node,
        Func<NodeRow, ValueTask<TimeSpan>> silence,
        TimeConstants times,
        TimeProvider time,
        CancellationToken cancellationToken)
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
                if (node.Predecessor is null && error.SeenAgo >= await silence(seen))
                {
                    node = node with { Predecessor = seen.Node };
                    continue;
                }
            }
            await Task.Delay(times.LeaseRenewal / 4, time, cancellationToken);
        }
    }
}

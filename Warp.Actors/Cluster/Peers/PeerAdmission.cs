using Warp.Actors.Kernel;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Finds out, before a node takes part in a cluster, whether the nodes that are there would talk to it.</summary>
public static class PeerAdmission
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <summary>Asks all at once; one that talks to it is enough. Those that do not answer do not count.</summary>
    /// <returns>Why they do not talk to it, if all that answered refused; otherwise null.</returns>
    public static async Task<PeerRefusedException?> RefusalOfAsync(
        IEnumerable<NodeRow> nodes, ActorSystem system, PeerSettings settings, PeerMetrics metrics, CancellationToken cancellationToken)
    {
        // Who is nobody yet is let in, if it knows the secret.
        await using var network = new PeerNetwork(system, new PeerIdentity("", default, FeatureLevel: 0), settings, metrics);
        PeerRefusedException? refusal = null;
        await foreach (Task asked in Task.WhenEach(nodes.Select(AskAsync)).WithCancellation(cancellationToken))
        {
            try
            {
                await asked;
                return null;
            }
            catch (PeerRefusedException error) when (
                error.Refusal is PeerRefusal.WrongSecret or PeerRefusal.Certificate or PeerRefusal.OtherCluster)
            {
                refusal = error;
            }
            catch (PeerCallException)
            {
                // It is on its way up or down, perhaps.
            }
        }
        return refusal;

        Task AskAsync(NodeRow node) => network.CallAsync<PingResponse>(
            new PeerAddress(node.Description.Rpc.Host, node.Description.Rpc.Port, Node: null), new PingRequest(), s_patience, cancellationToken);
    }
}

using Warp.Actors.Persistence;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Where a node can be reached by other nodes, and who is expected there.</summary>
/// <param name="Host">Name or IP address (<c>warp.rpc.advertised</c>).</param>
/// <param name="Port">TCP port.</param>
/// <param name="Node">The life of a node that must answer there; null for any node of the cluster (<c>warp.cluster.seeds</c>).</param>
public readonly record struct PeerAddress(string Host, int Port, NodeIncarnation? Node)
{
    public override string ToString()
    {
        string endPoint = Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
        return Node is { } node ? $"node {node} at {endPoint}" : endPoint;
    }
}

/// <summary>Who this node is when it talks to others.</summary>
/// <param name="ClusterId">The journal's.</param>
/// <param name="Node">This life of the node.</param>
/// <param name="FeatureLevel">The highest that this release knows.</param>
public sealed record PeerIdentity(string ClusterId, NodeIncarnation Node, int FeatureLevel);

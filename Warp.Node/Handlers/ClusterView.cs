using System.Collections.Immutable;

namespace Warp.Node.Handlers;

/// <summary>A node as clients see it: its id, the address that leads to it and to no other node, and its zone if it has one.</summary>
public sealed record ClusterNode(int NodeId, string Host, int Port, string? Zone);

/// <summary>The cluster as this node tells clients of it. Immutable.</summary>
public sealed record ClusterView
{
    /// <param name="clusterId">22 characters, never empty.</param>
    /// <param name="self">This node.</param>
    /// <param name="others">The other nodes that are alive.</param>
    public ClusterView(string clusterId, ClusterNode self, params IEnumerable<ClusterNode> others)
    {
        ClusterId = clusterId;
        Self = self;
        LiveNodes = [.. others.Append(self).OrderBy(static node => node.NodeId)];
    }

    public string ClusterId { get; }

    /// <summary>
    /// This node. It serves every partition and every administrative request, so clients are told that it is leader and controller.
    /// </summary>
    public ClusterNode Self { get; }

    /// <summary>All nodes that are alive, this one included, in the order of their ids.</summary>
    public ImmutableArray<ClusterNode> LiveNodes { get; }

    /// <summary>
    /// The replicas to report for a partition: the leader, then the other nodes, beginning with another one for each partition. Where there
    /// are fewer nodes than replicas they are named again: the number is what the topic's creator asked for, and tools compare it.
    /// </summary>
    public List<int> ReplicasOf(int leader, int partition, int replicationFactor)
    {
        int[] others = [.. LiveNodes.Select(static node => node.NodeId).Where(id => id != leader)];
        var replicas = new List<int>(replicationFactor);
        for (int i = 0; i < replicationFactor; i++)
        {
            int place = i % (others.Length + 1);
            replicas.Add(place == 0 ? leader : others[(partition + place - 1) % others.Length]);
        }
        return replicas;
    }
}

using Warp.Actors.Persistence;

namespace Warp.Actors.Cluster;

/// <summary>The nodes of the cluster as one of them last heard of them. Immutable.</summary>
public sealed record ClusterMembers
{
    private readonly Dictionary<int, NodeRow> _live;

    /// <param name="self">The node that heard it.</param>
    /// <param name="nodes">All rows of nodes.</param>
    /// <param name="now">The database's time then.</param>
    /// <param name="lease">A node that has not been heard of for so long is taken to be dead.</param>
    public ClusterMembers(NodeIncarnation self, IReadOnlyList<NodeRow> nodes, DateTimeOffset now, TimeSpan lease)
    {
        Self = self;
        Nodes = nodes;
        _live = nodes.Where(node => now - node.HeartbeatAt < lease).ToDictionary(static node => node.Node.NodeId);
        Live = [.. _live.Values.OrderBy(static node => node.Node.NodeId)];
        IReadOnlySet<int> isolated = Reachability.Isolated(
            _live.ToDictionary(static node => node.Key, static node => node.Value.Status.Unreached));
        Serving = [.. Live.Where(node => !node.IsDraining && !isolated.Contains(node.Node.NodeId))];
    }

    /// <summary>This node.</summary>
    public NodeIncarnation Self { get; }

    /// <summary>All nodes that have ever been there and have not left for good.</summary>
    public IReadOnlyList<NodeRow> Nodes { get; }

    /// <summary>Those that were heard of within the lease, by id.</summary>
    public IReadOnlyList<NodeRow> Live { get; }

    /// <summary>
    /// Those of the live ones that are not about to leave, and not cut off from the others (<see cref="Reachability"/>): what clients are sent
    /// to, and shards are placed on.
    /// </summary>
    public IReadOnlyList<NodeRow> Serving { get; }

    /// <summary>What the cluster may use, as all of its nodes know it (<see cref="FeatureLevels"/>); 0 while this node has not heard.</summary>
    public int FeatureLevel { get; init; }

    /// <summary>A live node, or null.</summary>
    public NodeRow? Find(int nodeId) => _live.GetValueOrDefault(nodeId);

    /// <summary>A live node in just this life, or null.</summary>
    public NodeRow? Find(NodeIncarnation node) => Find(node.NodeId) is { } row && row.Node == node ? row : null;
}

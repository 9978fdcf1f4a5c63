using System.Collections.Immutable;
using Warp.Actors.Cluster;
using Warp.Node.Configuration;

namespace Warp.Node.Handlers;

/// <summary>A node as clients see it: its id, the address that leads to it and to no other node, and what it is there for.</summary>
/// <param name="NodeId">Its id.</param>
/// <param name="Host">Where Kafka clients reach it.</param>
/// <param name="Port">TCP port.</param>
/// <param name="Zone">Its zone; null where it has none.</param>
/// <param name="Group">Whose clients may be sent to it (<c>warp.node.group</c>).</param>
/// <param name="Roles">What it does.</param>
public sealed record ClusterNode(
    int NodeId, string Host, int Port, string? Zone, string Group = ClusterNode.DefaultGroup, NodeRoles Roles = NodeRoles.All)
{
    public const string DefaultGroup = "default";

    /// <summary>A node as its row describes it.</summary>
    public static ClusterNode Of(NodeRow row)
    {
        NodeDescription says = row.Description;
        return new ClusterNode(
            row.Node.NodeId, says.Kafka.Host, says.Kafka.Port, says.Zone.Length == 0 ? null : says.Zone, says.Group, (NodeRoles)says.Roles);
    }
}

/// <summary>The cluster as this node tells clients of it: always the latest that it has heard. Thread-safe.</summary>
public sealed class ClusterView
{
    private Nodes _nodes;

    /// <param name="clusterId">22 characters, never empty.</param>
    /// <param name="self">This node.</param>
    /// <param name="others">The other nodes that are alive, for good.</param>
    public ClusterView(string clusterId, ClusterNode self, params IEnumerable<ClusterNode> others)
    {
        ClusterId = clusterId;
        Self = self;
        _nodes = new Nodes(self, others, static _ => true, passOn: true);
    }

    /// <param name="clusterId">22 characters, never empty.</param>
    /// <param name="self">This node.</param>
    /// <param name="membership">Says which others there are.</param>
    public ClusterView(string clusterId, ClusterNode self, ClusterMembership membership)
        : this(clusterId, self)
    {
        membership.Changed += Take;
        Take(membership.Current);
    }

    public string ClusterId { get; }

    /// <summary>Whether all nodes can pass requests on, and be passed some; until then clients go to the owner of their group, whoever that is.</summary>
    private bool PassesOn => Volatile.Read(ref _nodes).PassOn;

    /// <summary>This node. It serves every administrative request, so clients are told that it is the controller.</summary>
    public ClusterNode Self { get; }

    /// <summary>All nodes that are alive and in this one's group, this one included, in the order of their ids.</summary>
    public ImmutableArray<ClusterNode> LiveNodes => Volatile.Read(ref _nodes).OfGroup;

    /// <summary>A live node of any group, or null.</summary>
    public ClusterNode? Find(int nodeId) => Volatile.Read(ref _nodes).ById.GetValueOrDefault(nodeId);

    /// <summary>The node that a client is told is the leader of every partition (<see cref="ClientRouting"/>).</summary>
    /// <param name="context">Its request.</param>
    /// <param name="routed">The nodes of the routing generation.</param>
    public int LeaderFor(RequestContext context, ImmutableArray<int> routed)
    {
        ImmutableArray<ClusterNode> serving = Volatile.Read(ref _nodes).Serving;
        // Before a generation knows the nodes that have just started, one of them is better than one that would refuse the client.
        return LeaderOf(serving.Where(node => routed.Contains(node.NodeId))) ?? LeaderOf(serving) ?? Self.NodeId;

        int? LeaderOf(IEnumerable<ClusterNode> nodes) => ClientRouting.LeaderOf(nodes, Self, context.Header.ClientId ?? "", context.ClientHost);
    }

    /// <summary>
    /// The node that a client is told coordinates what a node owns (<see cref="CoordinatorRouting"/>); null if the latter is not alive.
    /// </summary>
    /// <param name="key">The client's group.</param>
    /// <param name="ownerId">The node that owns it.</param>
    public ClusterNode? CoordinatorFor(string key, int ownerId) => Find(ownerId) is { } owner
        ? PassesOn ? CoordinatorRouting.NodeFor(key, owner, Volatile.Read(ref _nodes).Serving, Self) : owner
        : null;

    /// <summary>Whether a node is alive, and no client of this one is sent to it, as it is in another group.</summary>
    public bool Hides(int nodeId) => PassesOn && Find(nodeId) is { } node && node.Group != Self.Group;

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

    private void Take(ClusterMembers members) =>
        Volatile.Write(ref _nodes, new Nodes(
            Self,
            members.Live.Select(ClusterNode.Of).Where(node => node.NodeId != Self.NodeId),
            node => members.Serving.Any(row => row.Node.NodeId == node.NodeId),
            members.FeatureLevel >= FeatureLevels.PassingOn));

    private sealed class Nodes
    {
        public Nodes(ClusterNode self, IEnumerable<ClusterNode> others, Func<ClusterNode, bool> isServing, bool passOn)
        {
            PassOn = passOn;
            ById = others.Append(self).ToDictionary(static node => node.NodeId);
            OfGroup = [.. ById.Values.Where(node => node.Group == self.Group).OrderBy(static node => node.NodeId)];
            Serving = [.. OfGroup.Where(isServing)];
        }

        public bool PassOn { get; }

        public Dictionary<int, ClusterNode> ById { get; }

        public ImmutableArray<ClusterNode> OfGroup { get; }

        /// <summary>Those of the group that clients may be sent to: neither about to leave nor cut off.</summary>
        public ImmutableArray<ClusterNode> Serving { get; }
    }
}

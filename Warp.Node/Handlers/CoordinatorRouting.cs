namespace Warp.Node.Handlers;

/// <summary>
/// Which node a client takes for the coordinator of its group. The owner, without a hop, if the client may see it; otherwise a node that it may
/// see, and that passes on to the owner. A function of its arguments alone.
/// </summary>
public static class CoordinatorRouting
{
    /// <summary>The node for the clients of a group, the same whichever node of theirs they ask.</summary>
    /// <param name="key">The group.</param>
    /// <param name="owner">The node that owns it.</param>
    /// <param name="serving">The nodes of the asked one's group that may be named.</param>
    /// <param name="asked">The node that is asked. It stands in for the owner if there is no other.</param>
    public static ClusterNode NodeFor(string key, ClusterNode owner, IEnumerable<ClusterNode> serving, ClusterNode asked) =>
        owner.Group == asked.Group ? owner : Rendezvous.Of(key, serving) ?? asked;
}

namespace Warp.Node.Handlers;

/// <summary>Kafka's rules for replicas that a client assigns by hand.</summary>
internal static class ReplicaAssignments
{
    /// <summary>What is wrong with the replicas of some partitions; null when nothing is.</summary>
    public static string? FaultOf(IReadOnlyList<List<int>> partitions, ClusterView cluster)
    {
        foreach (List<int> replicas in partitions)
        {
            if (replicas.Count == 0)
                return "A manual assignment names no replica for a partition.";
            if (replicas.Count != partitions[0].Count)
                return "A manual assignment must name as many replicas for one partition as for the others.";
            if (replicas.Distinct().Count() != replicas.Count)
                return "A manual assignment names a node twice for one partition.";
            if (replicas.FirstOrDefault(id => !cluster.LiveNodes.Any(node => node.NodeId == id), -1) is >= 0 and var unknown)
                return $"A manual assignment names node {unknown}, which is not in the cluster.";
            if (replicas.Exists(static id => id < 0))
                return "A manual assignment names a negative node id.";
        }
        return null;
    }
}

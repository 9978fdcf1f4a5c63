namespace Warp.Actors.Cluster;

/// <summary>
/// Who is cut off from the other nodes. A node that reaches the database but not the others would own shards that nobody can use; so of nodes
/// that do not reach each other some give up their shards and send their clients away, and the others go on.
/// </summary>
public static class Reachability
{
    /// <summary>
    /// The nodes that have to stand aside so that all others reach each other: again and again the one with the most broken ways, of
    /// equal ones that with the highest id. So the smaller part of a cluster that fell apart stands aside.
    /// </summary>
    /// <param name="nodes">The live nodes, and whom each of them does not reach. A way counts as broken if one of its ends says so.</param>
    public static IReadOnlySet<int> Isolated(IReadOnlyDictionary<int, IReadOnlyCollection<int>> nodes)
    {
        var broken = nodes.Keys.ToDictionary(static node => node, static _ => new HashSet<int>());
        foreach ((int node, IReadOnlyCollection<int> unreached) in nodes)
        {
            foreach (int other in unreached.Where(other => other != node && nodes.ContainsKey(other)))
            {
                broken[node].Add(other);
                broken[other].Add(node);
            }
        }
        var isolated = new HashSet<int>();
        while (broken.Count > 0)
        {
            (int worst, HashSet<int> ways) = broken.MaxBy(static entry => (entry.Value.Count, entry.Key));
            if (ways.Count == 0)
                break;
            foreach (int other in ways)
                broken[other].Remove(worst);
            broken.Remove(worst);
            isolated.Add(worst);
        }
        return isolated;
    }
}

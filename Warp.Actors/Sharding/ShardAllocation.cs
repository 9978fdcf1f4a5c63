namespace Warp.Actors.Sharding;

/// <summary>
/// Says on which node each shard should be: evenly, and with as few moves as can be. A function of its arguments alone, so that a coordinator
/// that starts anew comes to what the one before it had decided.
/// </summary>
public static class ShardAllocation
{
    /// <summary>Allocates shards to nodes: no node gets more than one shard more than another.</summary>
    /// <param name="shards">The shards.</param>
    /// <param name="nodes">The nodes that may have some, each once. Without any everything stays where it is.</param>
    /// <param name="current">Where shards are now; those that are nowhere are left out.</param>
    /// <param name="firstFavoured">Which of the nodes gets the first of what cannot be divided, if nothing else decides it.</param>
    /// <returns>A node for each shard, in their order; null where there is none.</returns>
    public static IReadOnlyList<int?> Allocate(
        IReadOnlyList<int> shards, IReadOnlyList<int> nodes, IReadOnlyDictionary<int, int> current, int firstFavoured = 0)
    {
        var allocated = new int?[shards.Count];
        if (nodes.Count == 0)
        {
            for (int i = 0; i < allocated.Length; i++)
                allocated[i] = current.TryGetValue(shards[i], out int node) ? node : null;
            return allocated;
        }
        Dictionary<int, int> room = RoomOf(shards, nodes, current, firstFavoured);
        for (int i = 0; i < allocated.Length; i++)
        {
            if (current.TryGetValue(shards[i], out int node) && room.GetValueOrDefault(node) > 0)
            {
                room[node]--;
                allocated[i] = node;
            }
        }
        var free = new Queue<int>(nodes.Order().SelectMany(node => Enumerable.Repeat(node, room[node])));
        for (int i = 0; i < allocated.Length; i++)
            allocated[i] ??= free.Dequeue();
        return allocated;
    }

    /// <summary>How many shards each node gets. One more than others get those that have the most now: then the fewest move.</summary>
    private static Dictionary<int, int> RoomOf(
        IReadOnlyList<int> shards, IReadOnlyList<int> nodes, IReadOnlyDictionary<int, int> current, int firstFavoured)
    {
        Dictionary<int, int> counts = nodes.ToDictionary(static node => node, static _ => 0);
        foreach (int shard in shards)
        {
            if (current.TryGetValue(shard, out int node) && counts.TryGetValue(node, out int count))
                counts[node] = count + 1;
        }
        int[] sorted = [.. nodes.Order()];
        int more = shards.Count % nodes.Count;
        return sorted
            .Select((node, i) => (Node: node, Turn: (i - (firstFavoured % sorted.Length) + sorted.Length) % sorted.Length))
            .OrderByDescending(entry => counts[entry.Node]).ThenBy(static entry => entry.Turn)
            .Select((entry, i) => (entry.Node, Room: (shards.Count / nodes.Count) + (i < more ? 1 : 0)))
            .ToDictionary(static entry => entry.Node, static entry => entry.Room);
    }
}

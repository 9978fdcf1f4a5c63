using Warp.Actors.Sharding;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Sharding;

public sealed class ShardAllocationSpec
{
    private static readonly int[] s_shards = [.. Enumerable.Range(0, 64)];

    [Fact]
    public void Shards_spread_evenly_over_the_nodes()
    {
        Dictionary<int, int> placed = Allocate([1, 2, 3], []);
        Assert.Equal([22, 21, 21], Counts(placed, [1, 2, 3]));
    }

    [Fact]
    public void A_node_that_joins_gets_its_share_and_nothing_else_moves()
    {
        Dictionary<int, int> before = Allocate([1, 2], []);
        Dictionary<int, int> after = Allocate([1, 2, 3], before);
        Assert.Equal(64, Counts(after, [1, 2, 3]).Sum());
        Assert.All(s_shards.Where(shard => before[shard] != after[shard]), shard => Assert.Equal(3, after[shard]));
        Assert.Equal(21, s_shards.Count(shard => before[shard] != after[shard]));
    }

    [Fact]
    public void The_shards_of_a_node_that_leaves_go_to_the_others_and_nothing_else_moves()
    {
        Dictionary<int, int> before = Allocate([1, 2, 3], []);
        Dictionary<int, int> after = Allocate([1, 3], before);
        Assert.Equal([32, 32], Counts(after, [1, 3]));
        Assert.All(s_shards.Where(shard => before[shard] != after[shard]), shard => Assert.Equal(2, before[shard]));
    }

    [Fact]
    public void Without_nodes_everything_stays() => Assert.Equal(Allocate([4, 5], []), Allocate([], Allocate([4, 5], [])));

    [Fact]
    public void Of_fewer_shards_than_nodes_the_favoured_node_gets_the_first() =>
        Assert.Equal([2, 3, 4], Favoured(1).Order());

    [Fact]
    public void Which_node_is_favoured_goes_round() => Assert.Equal([1, 3, 4], Favoured(2).Order());

    [Fact]
    public void Random_joins_and_leaves_keep_it_even_and_move_no_more_than_they_must()
    {
        var random = new Random(TestRun.TakeSeed());
        var nodes = new HashSet<int> { 1 };
        Dictionary<int, int> placed = Allocate([1], []);
        for (int step = 0; step < 500; step++)
        {
            int node = random.Next(1, 12);
            if (!nodes.Remove(node) || nodes.Count == 0)
                nodes.Add(node);
            Dictionary<int, int> next = Allocate([.. nodes], placed);
            int[] counts = Counts(next, [.. nodes]);
            Assert.Equal(64, counts.Sum());
            Assert.InRange(counts.Max() - counts.Min(), 0, 1);
            // What must move: shards of nodes that are gone, and what is above a node's share.
            int kept = placed.Where(entry => nodes.Contains(entry.Value)).GroupBy(static entry => entry.Value)
                .Sum(group => Math.Min(group.Count(), counts.Max()));
            int moved = s_shards.Count(shard => placed[shard] != next[shard]);
            Assert.InRange(moved, 64 - kept, 64 - kept + nodes.Count);
            Assert.Equal(next, Allocate([.. nodes], next));
            placed = next;
        }
    }

    private static IEnumerable<int?> Favoured(int first) =>
        ShardAllocation.Allocate([1000, 1001, 1002], [1, 2, 3, 4], new Dictionary<int, int>(), first);

    private static Dictionary<int, int> Allocate(int[] nodes, Dictionary<int, int> current)
    {
        IReadOnlyList<int?> allocated = ShardAllocation.Allocate(s_shards, nodes, current);
        return s_shards.ToDictionary(static shard => shard, shard => allocated[shard]!.Value);
    }

    private static int[] Counts(Dictionary<int, int> placed, int[] nodes) =>
        [.. nodes.Select(node => placed.Count(entry => entry.Value == node))];
}

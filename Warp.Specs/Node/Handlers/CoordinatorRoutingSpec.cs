using Warp.Node.Handlers;
using Xunit;

namespace Warp.Specs.Node.Handlers;

public sealed class CoordinatorRoutingSpec
{
    private static readonly ClusterNode s_owner = Node(9, "ingest");
    private static readonly ClusterNode[] s_analytics = [.. Enumerable.Range(1, 4).Select(static id => Node(id, "analytics"))];

    [Fact]
    public void The_owner_is_named_to_clients_of_its_own_group_even_if_it_is_about_to_leave() =>
        Assert.Equal(s_owner, CoordinatorRouting.NodeFor("g", s_owner, [], Node(8, "ingest")));

    [Fact]
    public void An_owner_of_another_group_has_one_node_of_the_asked_ones_group_that_stands_in_whoever_is_asked()
    {
        for (int i = 0; i < 100; i++)
        {
            ClusterNode named = Assert.Single(s_analytics.Select(asked => NodeFor($"group-{i}", s_analytics.Reverse(), asked)).Distinct());
            Assert.Contains(named, s_analytics);
        }
    }

    [Fact]
    public void Groups_spread_over_the_nodes_that_stand_in()
    {
        ILookup<ClusterNode, int> named = Enumerable.Range(0, 1000).ToLookup(static i => NodeFor($"group-{i}", s_analytics, s_analytics[0]));
        Assert.All(s_analytics, node => Assert.InRange(named[node].Count(), 180, 320));
    }

    [Fact]
    public void When_a_node_goes_only_the_groups_move_that_it_stood_in_for()
    {
        ClusterNode[] left = [.. s_analytics.Where(static node => node.NodeId != 3)];
        for (int i = 0; i < 200; i++)
        {
            ClusterNode before = NodeFor($"group-{i}", s_analytics, s_analytics[0]);
            if (before.NodeId != 3)
                Assert.Equal(before, NodeFor($"group-{i}", left, s_analytics[0]));
        }
    }

    [Fact]
    public void Where_no_node_of_the_group_serves_the_asked_one_stands_in() =>
        Assert.Equal(s_analytics[2], CoordinatorRouting.NodeFor("g", s_owner, [], s_analytics[2]));

    [Fact]
    public void A_view_hides_live_nodes_of_other_groups_and_those_alone()
    {
        var view = new ClusterView("id", s_analytics[0], s_analytics[1], s_owner);
        Assert.True(view.Hides(9));
        Assert.False(view.Hides(1));
        Assert.False(view.Hides(2));
        Assert.False(view.Hides(77));
        Assert.Null(view.CoordinatorFor("g", 77));
        Assert.Equal(s_analytics[1], view.CoordinatorFor("g", 2));
        Assert.Contains(view.CoordinatorFor("g", 9), s_analytics[..2]);
    }

    private static ClusterNode NodeFor(string group, IEnumerable<ClusterNode> serving, ClusterNode asked) =>
        CoordinatorRouting.NodeFor(group, s_owner, serving, asked);

    private static ClusterNode Node(int id, string group) => new(id, $"node-{id}.example", 9092, null, group);
}

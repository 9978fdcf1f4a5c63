using Warp.Node.Configuration;
using Warp.Node.Handlers;
using Xunit;

namespace Warp.Specs.Node.Handlers;

public sealed class ClientRoutingSpec
{
    private static readonly ClusterNode[] s_nodes =
    [
        Node(1, "a"), Node(2, "a"), Node(3, "b"), Node(4, "b"),
    ];

    [Theory]
    [InlineData("warp_az=b", "b")]
    [InlineData("orders,warp_az=eu-1a,team=x", "eu-1a")]
    [InlineData("ws_az=use1-az1;v2", "use1-az1")]
    [InlineData("warp_az=", null)]
    [InlineData("rdkafka", null)]
    public void A_client_says_its_zone_in_its_client_id(string clientId, string? zone) => Assert.Equal(zone, ClientRouting.ZoneOf(clientId));

    [Theory]
    [InlineData("client", new[] { 1, 2 })]
    [InlineData("client,warp_az=b", new[] { 3, 4 })]
    [InlineData("client,warp_az=nowhere", new[] { 1, 2, 3, 4 })]
    public void A_client_is_sent_to_a_node_of_its_zone_or_of_the_zone_of_the_node_it_asks(string clientId, int[] expected)
    {
        HashSet<int> named = [.. Enumerable.Range(0, 100).Select(i => ClientRouting.LeaderOf(s_nodes, s_nodes[0], clientId, $"/10.0.0.{i}")!.Value)];
        Assert.Equal(expected, named.Order());
    }

    [Fact]
    public void Whichever_node_of_a_zone_is_asked_the_answer_is_the_same()
    {
        for (int i = 0; i < 100; i++)
            Assert.Equal(LeaderOf(s_nodes, s_nodes[0], i), LeaderOf(s_nodes, s_nodes[1], i));
    }

    [Fact]
    public void Clients_spread_over_the_nodes()
    {
        ClusterNode[] nodes = [.. Enumerable.Range(1, 5).Select(static id => Node(id, "a"))];
        int[] counts = [.. nodes.Select(node => Enumerable.Range(0, 1000).Count(i => LeaderOf(nodes, nodes[0], i) == node.NodeId))];
        Assert.All(counts, static count => Assert.InRange(count, 150, 250));
    }

    [Fact]
    public void When_a_node_goes_only_its_own_clients_move()
    {
        ClusterNode[] nodes = [.. Enumerable.Range(1, 5).Select(static id => Node(id, "a"))];
        ClusterNode[] left = [.. nodes.Where(static node => node.NodeId != 3)];
        for (int i = 0; i < 200; i++)
        {
            int? before = LeaderOf(nodes, nodes[0], i);
            if (before != 3)
                Assert.Equal(before, LeaderOf(left, nodes[0], i));
        }
    }

    [Theory]
    [InlineData("client", 3)]
    [InlineData("warp_role=produce", 1)]
    [InlineData("x,warp_role=fetch", 2)]
    public void A_node_that_lacks_a_role_is_not_named_to_those_who_may_need_it(string clientId, int expected)
    {
        ClusterNode[] nodes = [Node(1, null, NodeRoles.Produce), Node(2, null, NodeRoles.Fetch), Node(3, null), Node(4, null, NodeRoles.Control)];
        HashSet<int> named = [.. Enumerable.Range(0, 100).Select(i => ClientRouting.LeaderOf(nodes, nodes[0], clientId, $"/10.0.0.{i}")!.Value)];
        Assert.Contains(expected, named);
        Assert.DoesNotContain(4, named);
        Assert.Equal(expected == 3 ? [3] : [expected, 3], named.Order());
    }

    [Fact]
    public void Without_a_node_that_can_do_what_a_client_needs_none_is_named() =>
        Assert.Null(ClientRouting.LeaderOf([Node(4, null, NodeRoles.Control)], s_nodes[0], "client", ""));

    private static int? LeaderOf(ClusterNode[] nodes, ClusterNode asked, int client) =>
        ClientRouting.LeaderOf(nodes, asked, $"client-{client}", "/10.0.0.1");

    private static ClusterNode Node(int id, string? zone, NodeRoles roles = NodeRoles.All) =>
        new(id, $"node-{id}", 9092, zone, ClusterNode.DefaultGroup, roles);
}

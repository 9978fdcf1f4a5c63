using Warp.Node.Configuration;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Node.Handlers;

public sealed class ClusterViewSpec
{
    private static readonly ClusterView s_three = new("id", Node(2), Node(3), Node(1));

    [Fact]
    public void All_nodes_are_listed_in_the_order_of_their_ids() =>
        Assert.Equal([1, 2, 3], s_three.LiveNodes.Select(static node => node.NodeId));

    [Theory]
    [InlineData(0, 1, new[] { 2 })]
    [InlineData(0, 3, new[] { 2, 1, 3 })]
    [InlineData(1, 3, new[] { 2, 3, 1 })]
    [InlineData(1, 2, new[] { 2, 3 })]
    [InlineData(0, 5, new[] { 2, 1, 3, 2, 1 })]
    public void Replicas_begin_with_the_leader_rotate_and_repeat(int partition, int replicationFactor, int[] expected) =>
        Assert.Equal(expected, s_three.ReplicasOf(2, partition, replicationFactor));

    [Fact]
    public void A_lone_node_is_every_replica() =>
        Assert.Equal([4, 4, 4], new ClusterView("id", Node(4)).ReplicasOf(4, 9, 3));

    [Fact]
    public void A_client_is_sent_to_a_node_that_can_serve_it_though_no_routing_generation_has_it_yet()
    {
        ClusterNode self = Node(4) with { Roles = NodeRoles.Control };

        Assert.Equal(5, new ClusterView("id", self, Node(5)).LeaderFor(Asked, [4]));
        Assert.Equal(6, new ClusterView("id", self, Node(5), Node(6)).LeaderFor(Asked, [4, 6]));
        Assert.Equal(4, new ClusterView("id", self).LeaderFor(Asked, [4]));
    }

    private static RequestContext Asked => new()
    {
        Header = new RequestHeader((short)ApiKey.Metadata, 12, 1, "client"),
        Frame = PooledBuffer.Rent(1),
        ConnectionId = 1,
        RemoteEndPoint = null,
        ConnectionClosed = CancellationToken.None,
    };

    private static ClusterNode Node(int id) => new(id, $"node-{id}.example", 9092, null);
}

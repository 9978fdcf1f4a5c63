using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Cluster;

public sealed class ForgottenNodesSpec
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch.AddYears(60);
    private static readonly TimeSpan s_memory = TimeSpan.FromDays(1);

    [Fact]
    public void Nodes_that_are_there_or_have_not_been_gone_for_long_are_remembered() =>
        Assert.Empty(Of(2, Row(1, TimeSpan.Zero), Row(2, TimeSpan.FromHours(20)), Left(3, TimeSpan.FromHours(20))));

    [Fact]
    public void Nodes_that_died_or_left_long_ago_are_forgotten() =>
        Assert.Equal([2, 3], Of(2, Row(1, TimeSpan.Zero), Row(2, TimeSpan.FromHours(30)), Left(3, TimeSpan.FromHours(30))));

    [Fact]
    public void At_level_1_the_dead_are_forgotten_and_those_that_left_are_not_as_it_is_not_known_when()
    {
        NodeRow left = Row(3, TimeSpan.Zero, level: 1) with { HeartbeatAt = DateTimeOffset.UnixEpoch };
        Assert.Equal([2], Of(1, Row(1, TimeSpan.Zero, level: 1), Row(2, TimeSpan.FromHours(30), level: 1), left));
        Assert.Equal([3], Of(2, left));
    }

    [Fact]
    public void A_node_that_came_with_less_than_the_cluster_uses_has_to_go() =>
        Assert.Equal([2], Of(2, Row(1, TimeSpan.Zero), Row(2, TimeSpan.Zero, level: 1)));

    private static IEnumerable<int> Of(int level, params NodeRow[] rows) =>
        ForgottenNodes.Of(rows, level, s_now, s_memory).Select(static row => row.Node.NodeId);

    private static NodeRow Left(int id, TimeSpan ago) =>
        Row(id, ago) with { HeartbeatAt = DateTimeOffset.UnixEpoch - (s_now - ago - DateTimeOffset.UnixEpoch) };

    private static NodeRow Row(int id, TimeSpan ago, int level = 2) => new(
        new NodeIncarnation(id, 7), MembershipCalls.NewDescription() with { FeatureLevel = level }, s_now - ago, NodeStatus.Well);
}

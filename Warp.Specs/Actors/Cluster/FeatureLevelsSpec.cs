using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Cluster;

public sealed class FeatureLevelsSpec
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch.AddYears(60);

    [Fact]
    public void A_cluster_attains_what_the_node_that_knows_least_knows() =>
        Assert.Equal(2, FeatureLevels.Attainable([Row(1, 4), Row(2, 2), Row(3, 3)]));

    [Fact]
    public void A_node_that_was_not_heard_of_for_long_may_come_back_as_it_was() =>
        Assert.Equal(2, FeatureLevels.Attainable([Row(1, 4), Row(2, 2) with { HeartbeatAt = s_now.AddHours(-5) }]));

    [Fact]
    public void A_node_that_has_left_does_not_count() => Assert.Equal(4, FeatureLevels.Attainable([Row(1, 4), Left(Row(2, 2), s_now)]));

    [Fact]
    public void Without_nodes_there_is_no_level() => Assert.Equal(0, FeatureLevels.Attainable([]));

    [Fact]
    public void A_row_tells_when_its_node_was_last_there()
    {
        Assert.Equal((false, s_now), (Row(1, 1).HasLeft, Row(1, 1).LastSeenAt));
        Assert.Equal((true, s_now), (Left(Row(1, 1), s_now).HasLeft, Left(Row(1, 1), s_now).LastSeenAt));
        NodeRow atLevelOne = Row(1, 1) with { HeartbeatAt = DateTimeOffset.UnixEpoch };
        Assert.Equal((true, DateTimeOffset.UnixEpoch), (atLevelOne.HasLeft, atLevelOne.LastSeenAt));
    }

    private static NodeRow Left(NodeRow row, DateTimeOffset when) =>
        row with { HeartbeatAt = DateTimeOffset.UnixEpoch - (when - DateTimeOffset.UnixEpoch) };

    private static NodeRow Row(int id, int level) => new(
        new NodeIncarnation(id, 7), MembershipCalls.NewDescription() with { FeatureLevel = level }, s_now, NodeStatus.Well);
}

using Warp.Actors.Groups;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Groups;

public sealed class StaticMemberSpec
{
    private static readonly ClassicProtocol[] s_rangeOnly = [new(GroupBench.Range, new byte[] { 1 })];

    [Fact]
    public void A_static_follower_that_returns_keeps_its_assignment_without_a_rebalance()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join(instanceId: "i"));
        var answer = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(instanceId: "i", protocols: s_rangeOnly) with { UniqueId = "new" });
        Assert.Equal((ErrorCode.None, 1, "i-new", members[0]), (answer.Error, answer.Generation, answer.MemberId, answer.LeaderId));
        Assert.Equal(ClassicGroupState.Stable, bench.Group.State);
        Assert.Equal([1], bench.Ask<GroupAnswer.SyncGroup>(bench.Sync("i-new")).Assignment.ToArray());
        bench.Restart();
        Assert.Equal([1], bench.Ask<GroupAnswer.SyncGroup>(bench.Sync("i-new")).Assignment.ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_static_leader_that_returns_must_not_assign(bool canSkip)
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(instanceId: "i"), GroupBench.Join());
        var answer =
            bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(instanceId: "i") with { UniqueId = "new", CanSkipAssignment = canSkip });
        Assert.Equal((1, canSkip, canSkip ? 2 : 0), (answer.Generation, answer.SkipAssignment, answer.Members.Count));
        Assert.Equal(canSkip ? "i-new" : members[0], answer.LeaderId);
        Assert.Equal("i-new", bench.Group.LeaderId);
    }

    [Fact]
    public void The_member_that_was_replaced_is_fenced()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join(instanceId: "i"));
        bench.Send(GroupBench.Join(instanceId: "i"));
        Assert.Equal(ErrorCode.FencedInstanceId, bench.ErrorOf(new GroupCommand.Heartbeat(members[1], "i", 1)));
        Assert.Equal(ErrorCode.FencedInstanceId, bench.ErrorOf(new GroupCommand.SyncGroup(members[1], "i", 1, null, null, [])));
        Assert.Equal(ErrorCode.FencedInstanceId, bench.ErrorOf(GroupBench.Join(members[1], "i")));
        Assert.Equal(ErrorCode.FencedInstanceId, bench.ErrorOf(GroupBench.Commit(1, members[1], 1) with { InstanceId = "i" }));
        Assert.Equal([ErrorCode.FencedInstanceId], bench.Ask<GroupAnswer.Each>(GroupBench.Leave(members[1], "i")).Errors);
    }

    [Fact]
    public void Whoever_waits_under_the_old_id_is_fenced_too()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join(instanceId: "i"));
        bench.Send(GroupBench.Join());
        long join = bench.Send(GroupBench.Join(members[1], "i"));
        long second = bench.Send(GroupBench.Join(instanceId: "i"));
        var fenced = bench.Answer<GroupAnswer.JoinGroup>(join);
        Assert.Equal((ErrorCode.FencedInstanceId, members[1]), (fenced.Error, fenced.MemberId));

        bench.Send(GroupBench.Join(members[0]));
        string current = bench.Answer<GroupAnswer.JoinGroup>(second).MemberId;
        long sync = bench.Send(bench.Sync(current));
        bench.Send(GroupBench.Join(instanceId: "i"));
        Assert.Equal(ErrorCode.FencedInstanceId, bench.Answer<GroupAnswer.SyncGroup>(sync).Error);
        Assert.Equal(ClassicGroupState.PreparingRebalance, bench.Group.State);
    }

    [Fact]
    public void A_replacement_that_changes_the_protocol_causes_a_rebalance()
    {
        var bench = new GroupBench();
        ClassicProtocol[] both = [new(GroupBench.RoundRobin, default), new(GroupBench.Range, default)];
        bench.Stabilize(GroupBench.Join(protocols: both), GroupBench.Join(instanceId: "i", protocols: both));
        Assert.Equal(GroupBench.RoundRobin, bench.Group.ProtocolName);
        long join = bench.Send(GroupBench.Join(instanceId: "i", protocols: s_rangeOnly));
        Assert.False(bench.IsAnswered(join));
        Assert.Equal(ClassicGroupState.PreparingRebalance, bench.Group.State);
    }

    [Fact]
    public void A_static_member_that_is_away_keeps_its_place_in_a_rebalance()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join(instanceId: "i") with { SessionTimeoutMs = 1_000_000 });
        bench.Send(GroupBench.Join());
        long leader = bench.Send(GroupBench.Join(members[0]));
        bench.AdvanceSeconds(60);
        Assert.Equal(3, bench.Answer<GroupAnswer.JoinGroup>(leader).Members.Count);
        Assert.Contains(members[1], bench.Answer<GroupAnswer.JoinGroup>(leader).Members.Select(static member => member.MemberId));
    }

    [Fact]
    public void A_group_of_absent_static_members_waits_for_their_sessions_to_end()
    {
        var bench = new GroupBench();
        bench.Stabilize(GroupBench.Join(instanceId: "i") with { SessionTimeoutMs = 200_000 }, GroupBench.Join());
        bench.Send(GroupBench.Leave(bench.Group.Members.Keys.Single(id => bench.Group.Members[id].Info.InstanceId is null)));
        bench.AdvanceSeconds(130);
        Assert.Equal((ClassicGroupState.PreparingRebalance, 1), (bench.Group.State, bench.Group.Generation));
        bench.AdvanceSeconds(70);
        Assert.Equal((ClassicGroupState.Empty, 2), (bench.Group.State, bench.Group.Generation));
    }

    [Fact]
    public void A_static_member_is_removed_when_its_session_ends()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join(instanceId: "i"));
        bench.AdvanceSeconds(9);
        bench.Send(bench.Beat(members[0]));
        bench.AdvanceSeconds(1);
        Assert.Empty(bench.Group.StaticMembers);
        Assert.Equal(ErrorCode.UnknownMemberId, bench.ErrorOf(new GroupCommand.Heartbeat(members[1], "i", 1)));
    }
}

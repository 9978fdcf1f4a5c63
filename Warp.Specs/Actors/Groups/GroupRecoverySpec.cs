using Warp.Actors.Groups;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Groups;

/// <summary>What is left of a group after a restart.</summary>
public sealed class GroupRecoverySpec
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Members_of_a_stable_group_carry_on(bool snapshot)
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join(instanceId: "i"));
        bench.Send(GroupBench.Commit(7, members[0], 1));
        if (snapshot)
            bench.TakeSnapshot();
        bench.Restart();
        bench.AdvanceSeconds(9.9);
        Assert.Equal(ErrorCode.None, bench.ErrorOf(bench.Beat(members[0])));
        Assert.Equal(ErrorCode.None, bench.ErrorOf(new GroupCommand.Heartbeat(members[1], "i", 1)));
        Assert.Equal([1], bench.Ask<GroupAnswer.SyncGroup>(bench.Sync(members[1])).Assignment.ToArray());
        Assert.Equal(1, bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(members[1], "i")).Generation);
        Assert.Equal(7, bench.State.Image.Offsets[GroupBench.Partition(0, 0)].Offset);
    }

    [Fact]
    public void A_generation_that_waited_for_its_leader_goes_on_waiting()
    {
        var bench = new GroupBench();
        long[] joins = [bench.Send(GroupBench.Join()), bench.Send(GroupBench.Join())];
        bench.AdvanceUntilAnswered(joins);
        string[] members = [.. joins.Select(id => bench.Answer<GroupAnswer.JoinGroup>(id).MemberId)];
        bench.Restart();
        Assert.Equal(1, bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(members[1])).Generation);
        Assert.Equal(2, bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(members[0])).Members.Count);
        bench.AssignAll(members);
    }

    [Fact]
    public void A_rebalance_that_was_interrupted_before_its_generation_began_ends_with_the_old_one()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join());
        bench.Send(GroupBench.Join());
        bench.Send(GroupBench.Join(members[1]));
        bench.Restart();
        Assert.Equal(1, bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(members[1])).Generation);
        Assert.Equal(ErrorCode.None, bench.ErrorOf(bench.Beat(members[0])));
        bench.Send(GroupBench.Join(members[0]));
        bench.Send(GroupBench.Join(members[1]));
        Assert.Equal((ClassicGroupState.CompletingRebalance, 2), (bench.Group.State, bench.Group.Generation));
    }

    [Fact]
    public void Those_who_left_stay_away_and_the_others_rebalance_at_once()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join());
        bench.Send(GroupBench.Leave(members[0]));
        bench.Restart();
        Assert.Equal(ErrorCode.RebalanceInProgress, bench.ErrorOf(bench.Beat(members[1])));
        var answer = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(members[1]));
        Assert.Equal((2, members[1], 1), (answer.Generation, answer.LeaderId, answer.Members.Count));
    }

    [Fact]
    public void Members_that_do_not_come_back_are_removed_after_their_session()
    {
        var bench = new GroupBench();
        bench.Stabilize(GroupBench.Join(), GroupBench.Join());
        bench.Restart();
        bench.AdvanceSeconds(10);
        Assert.Equal((ClassicGroupState.Empty, 2), (bench.Group.State, bench.Group.Generation));
    }

    [Fact]
    public void An_empty_group_stays_empty_since_when_it_was()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join());
        bench.Send(GroupBench.Commit(1, members[0], 1));
        bench.Send(GroupBench.Leave(members[0]));
        bench.Advance(TimeSpan.FromDays(6));
        bench.Restart();
        Assert.Equal("consumer", bench.Group.ProtocolType);
        bench.Advance(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(10));
        Assert.False(bench.State.Exists);
    }
}

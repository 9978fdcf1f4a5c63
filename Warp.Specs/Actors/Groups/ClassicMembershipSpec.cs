using Warp.Actors.Groups;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Groups;

/// <summary>SyncGroup, Heartbeat, LeaveGroup and what happens with time.</summary>
public sealed class ClassicMembershipSpec
{
    [Fact]
    public void Followers_wait_for_the_leader_and_who_it_forgot_gets_nothing()
    {
        var bench = new GroupBench();
        long[] joins = [bench.Send(GroupBench.Join()), bench.Send(GroupBench.Join()), bench.Send(GroupBench.Join())];
        bench.AdvanceUntilAnswered(joins);
        string[] members = [.. joins.Select(id => bench.Answer<GroupAnswer.JoinGroup>(id).MemberId)];
        long follower = bench.Send(bench.Sync(members[1]));
        Assert.False(bench.IsAnswered(follower));
        var leader = bench.Ask<GroupAnswer.SyncGroup>(bench.Sync(
            members[0],
            KeyValuePair.Create(members[0], new ReadOnlyMemory<byte>([1])),
            KeyValuePair.Create(members[1], new ReadOnlyMemory<byte>([2])),
            KeyValuePair.Create("a-stranger", new ReadOnlyMemory<byte>([3]))));
        Assert.Equal(("consumer", "range"), (leader.ProtocolType, leader.ProtocolName));
        Assert.Equal([1], leader.Assignment.ToArray());
        Assert.Equal([2], bench.Answer<GroupAnswer.SyncGroup>(follower).Assignment.ToArray());
        Assert.Empty(bench.Ask<GroupAnswer.SyncGroup>(bench.Sync(members[2])).Assignment.ToArray());
        Assert.Equal([2], bench.Ask<GroupAnswer.SyncGroup>(bench.Sync(members[1])).Assignment.ToArray());
    }

    [Fact]
    public void Another_member_sends_those_who_wait_for_the_leader_back_to_join()
    {
        var bench = new GroupBench();
        long[] joins = [bench.Send(GroupBench.Join()), bench.Send(GroupBench.Join())];
        bench.AdvanceUntilAnswered(joins);
        string follower = bench.Answer<GroupAnswer.JoinGroup>(joins[1]).MemberId;
        long first = bench.Send(bench.Sync(follower));
        long second = bench.Send(bench.Sync(follower));
        Assert.Equal(ErrorCode.RebalanceInProgress, bench.Answer<GroupAnswer.SyncGroup>(first).Error);
        bench.Send(GroupBench.Join());
        Assert.Equal(ErrorCode.RebalanceInProgress, bench.Answer<GroupAnswer.SyncGroup>(second).Error);
        Assert.Equal(ErrorCode.RebalanceInProgress, bench.Ask<GroupAnswer.SyncGroup>(bench.Sync(follower)).Error);
    }

    [Fact]
    public void Members_that_never_ask_for_their_assignment_are_removed()
    {
        var bench = new GroupBench();
        long[] joins = [.. Enumerable.Range(0, 3).Select(_ => bench.Send(GroupBench.Join() with { SessionTimeoutMs = 100_000 }))];
        bench.AdvanceUntilAnswered(joins);
        string[] members = [.. joins.Select(id => bench.Answer<GroupAnswer.JoinGroup>(id).MemberId)];
        bench.Send(bench.Sync(members[0], KeyValuePair.Create(members[0], new ReadOnlyMemory<byte>([1]))));
        bench.Send(bench.Sync(members[1]));
        bench.AdvanceSeconds(60);
        Assert.Equal(ClassicGroupState.PreparingRebalance, bench.Group.State);
        Assert.False(bench.Group.Members.ContainsKey(members[2]));
    }

    [Fact]
    public void A_generation_whose_leader_never_assigns_is_followed_by_one_without_it()
    {
        var bench = new GroupBench();
        long[] joins = [.. Enumerable.Range(0, 2).Select(_ => bench.Send(GroupBench.Join() with { SessionTimeoutMs = 100_000 }))];
        bench.AdvanceUntilAnswered(joins);
        string follower = bench.Answer<GroupAnswer.JoinGroup>(joins[1]).MemberId;
        long sync = bench.Send(bench.Sync(follower));
        bench.AdvanceSeconds(60);
        Assert.Equal(ErrorCode.RebalanceInProgress, bench.Answer<GroupAnswer.SyncGroup>(sync).Error);
        var answer = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(follower));
        Assert.Equal((2, follower), (answer.Generation, answer.LeaderId));
    }

    [Fact]
    public void An_assignment_that_is_too_large_fails_for_all_and_is_asked_for_again()
    {
        var bench = new GroupBench(new GroupSettings { MaxAssignmentBytes = 1000 });
        long[] joins = [bench.Send(GroupBench.Join()), bench.Send(GroupBench.Join())];
        bench.AdvanceUntilAnswered(joins);
        string[] members = [.. joins.Select(id => bench.Answer<GroupAnswer.JoinGroup>(id).MemberId)];
        long follower = bench.Send(bench.Sync(members[1]));
        var leader = bench.Ask<GroupAnswer.SyncGroup>(
            bench.Sync(members[0], KeyValuePair.Create(members[1], new ReadOnlyMemory<byte>(new byte[1000]))));
        Assert.Equal(ErrorCode.UnknownServerError, leader.Error);
        Assert.Equal(ErrorCode.UnknownServerError, bench.Answer<GroupAnswer.SyncGroup>(follower).Error);
        Assert.Equal(ClassicGroupState.PreparingRebalance, bench.Group.State);
    }

    [Fact]
    public void A_member_without_heartbeats_is_removed_and_one_with_them_stays()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join());
        bench.AdvanceSeconds(9);
        Assert.Equal(ErrorCode.None, bench.ErrorOf(bench.Beat(members[1])));
        bench.AdvanceSeconds(1);
        Assert.Equal(ClassicGroupState.PreparingRebalance, bench.Group.State);
        var answer = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(members[1]));
        Assert.Equal((2, members[1]), (answer.Generation, answer.LeaderId));
    }

    [Fact]
    public void Commits_keep_a_member_alive()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join());
        bench.AdvanceSeconds(9);
        Assert.Equal(ErrorCode.None, bench.ErrorOf(GroupBench.Commit(1, members[0], 1)));
        bench.AdvanceSeconds(9);
        Assert.Equal(ErrorCode.None, bench.ErrorOf(bench.Beat(members[0])));
    }

    [Fact]
    public void Who_waits_for_others_to_join_needs_no_heartbeats()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join() with { SessionTimeoutMs = 100_000 });
        long leader = bench.Send(GroupBench.Join(members[0]));
        bench.AdvanceSeconds(50);
        Assert.False(bench.IsAnswered(leader));
        bench.Send(GroupBench.Join(members[1]));
        Assert.Equal(ErrorCode.None, bench.Answer<GroupAnswer.JoinGroup>(leader).Error);
    }

    [Fact]
    public void A_new_member_that_waits_too_long_is_told_to_join_again()
    {
        var bench = new GroupBench();
        string[] members =
            bench.Stabilize(GroupBench.Join(instanceId: "i") with { RebalanceTimeoutMs = 1_000_000, SessionTimeoutMs = 1_000_000 });
        long late = bench.Send(GroupBench.Join());
        bench.AdvanceSeconds(299);
        Assert.False(bench.IsAnswered(late));
        bench.AdvanceSeconds(1);
        Assert.Equal((ErrorCode.UnknownMemberId, ""),
            (bench.Answer<GroupAnswer.JoinGroup>(late).Error, bench.Answer<GroupAnswer.JoinGroup>(late).MemberId));
        Assert.Equal(members, bench.Group.Members.Keys);
    }

    [Fact]
    public void A_member_that_leaves_causes_a_rebalance_and_the_last_leaves_the_group_empty()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join());
        Assert.Equal([ErrorCode.None], bench.Ask<GroupAnswer.Each>(GroupBench.Leave(members[0])).Errors);
        Assert.Equal(ErrorCode.RebalanceInProgress, bench.ErrorOf(bench.Beat(members[1])));
        var answer = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(members[1]));
        Assert.Equal((2, members[1]), (answer.Generation, answer.LeaderId));
        bench.Send(GroupBench.Leave(members[1]));
        Assert.Equal((ClassicGroupState.Empty, 3, "consumer"), (bench.Group.State, bench.Group.Generation, bench.Group.ProtocolType));
    }

    [Fact]
    public void Each_of_many_members_that_leave_gets_its_own_answer()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join(instanceId: "one"), GroupBench.Join(instanceId: "two"));
        string pending = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join() with { RequiresKnownMemberId = true }).MemberId;
        var answer = bench.Ask<GroupAnswer.Each>(new GroupCommand.LeaveGroup(
        [
            new(pending, null), new("", "one"), new("", "none"), new("", null), new("stranger", null),
            new(members[0], "two"), new(members[2], "two"),
        ]));
        Assert.Equal(
            [
                ErrorCode.None, ErrorCode.None, ErrorCode.UnknownMemberId, ErrorCode.UnknownMemberId, ErrorCode.UnknownMemberId,
                ErrorCode.FencedInstanceId, ErrorCode.None,
            ],
            answer.Errors);
        Assert.Equal([members[0]], bench.Group.Members.Keys);
        Assert.Empty(bench.Group.PendingMembers);
    }

    [Fact]
    public void A_member_that_is_removed_while_it_waits_is_told_so()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join());
        long join = bench.Send(GroupBench.Join(members[0]));
        bench.Send(GroupBench.Leave(members[0]));
        Assert.Equal((ErrorCode.UnknownMemberId, ""),
            (bench.Answer<GroupAnswer.JoinGroup>(join).Error, bench.Answer<GroupAnswer.JoinGroup>(join).MemberId));
    }
}

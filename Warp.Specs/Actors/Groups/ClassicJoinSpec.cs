using System.Collections.Immutable;
using Warp.Actors.Groups;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Groups;

public sealed class ClassicJoinSpec
{
    [Fact]
    public void A_new_member_is_given_its_id_first_and_joins_with_it()
    {
        var bench = new GroupBench();
        GroupCommand.JoinGroup join = GroupBench.Join() with { RequiresKnownMemberId = true };
        var first = bench.Ask<GroupAnswer.JoinGroup>(join);
        Assert.Equal(ErrorCode.MemberIdRequired, first.Error);
        Assert.Equal($"client-{join.UniqueId}", first.MemberId);
        Assert.Empty(bench.Group.Members);

        long second = bench.Send(GroupBench.Join(first.MemberId) with { RequiresKnownMemberId = true });
        bench.AdvanceSeconds(3);
        var joined = bench.Answer<GroupAnswer.JoinGroup>(second);
        Assert.Equal((ErrorCode.None, 1, first.MemberId), (joined.Error, joined.Generation, joined.LeaderId));
    }

    [Fact]
    public void An_id_that_is_not_used_in_time_is_forgotten()
    {
        var bench = new GroupBench();
        string id = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join() with { RequiresKnownMemberId = true }).MemberId;
        bench.AdvanceSeconds(10);
        Assert.False(bench.State.Exists);
        Assert.Equal(ErrorCode.UnknownMemberId, bench.ErrorOf(GroupBench.Join(id)));
    }

    [Fact]
    public void Old_clients_and_static_members_join_at_once()
    {
        var bench = new GroupBench();
        bench.Send(GroupBench.Join());
        bench.Send(GroupBench.Join(instanceId: "i") with { RequiresKnownMemberId = true, UniqueId = "u" });
        Assert.Equal(2, bench.Group.Members.Count);
        Assert.Equal("i-u", bench.Group.StaticMembers["i"]);
    }

    [Fact]
    public void The_first_generation_waits_for_more_members_and_longer_while_they_come()
    {
        var bench = new GroupBench();
        long first = bench.Send(GroupBench.Join());
        bench.AdvanceSeconds(2.9);
        long second = bench.Send(GroupBench.Join());
        bench.AdvanceSeconds(3);
        Assert.False(bench.IsAnswered(first));
        bench.AdvanceSeconds(0.2);
        Assert.Equal(1, bench.Answer<GroupAnswer.JoinGroup>(first).Generation);
        Assert.Equal(1, bench.Answer<GroupAnswer.JoinGroup>(second).Generation);
    }

    [Fact]
    public void The_first_generation_waits_no_longer_than_the_rebalance_timeout()
    {
        var bench = new GroupBench();
        long first = bench.Send(GroupBench.Join() with { RebalanceTimeoutMs = 7_000 });
        for (int i = 0; i < 4; i++)
        {
            bench.AdvanceSeconds(1.5);
            bench.Send(GroupBench.Join() with { RebalanceTimeoutMs = 7_000 });
        }
        Assert.False(bench.IsAnswered(first));
        bench.AdvanceSeconds(1);
        Assert.Equal(1, bench.Answer<GroupAnswer.JoinGroup>(first).Generation);
    }

    [Fact]
    public void Only_the_leader_is_told_the_members_in_the_order_in_which_they_came()
    {
        var bench = new GroupBench();
        long[] ids = [.. Enumerable.Range(0, 3).Select(i => bench.Send(GroupBench.Join(instanceId: i == 1 ? "i" : null)))];
        bench.AdvanceUntilAnswered(ids);
        GroupAnswer.JoinGroup[] answers = [.. ids.Select(bench.Answer<GroupAnswer.JoinGroup>)];
        Assert.All(answers, answer => Assert.Equal((1, "consumer", "range", answers[0].MemberId),
            (answer.Generation, answer.ProtocolType, answer.ProtocolName, answer.LeaderId)));
        Assert.Equal(answers.Select(static answer => answer.MemberId), answers[0].Members.Select(static member => member.MemberId));
        Assert.Equal([null, "i", null], answers[0].Members.Select(static member => member.InstanceId));
        Assert.All(answers[0].Members, static member => Assert.Equal(GroupBench.Subscription("t0"), member.Metadata.ToArray()));
        Assert.Empty(answers[1].Members);
        Assert.Empty(answers[2].Members);
    }

    [Theory]
    [InlineData("a b", "a b", "b a", "a")]
    [InlineData("a b", "b a", "b a", "b")]
    [InlineData("a b c", "b c", "c b", "b")]
    [InlineData("b a", "a b", "c a b", "a")]
    public void The_protocol_that_most_members_prefer_of_those_that_all_know_wins(string one, string two, string three, string expected)
    {
        var bench = new GroupBench();
        long id = bench.Send(Joining(one));
        bench.Send(Joining(two));
        bench.Send(Joining(three));
        bench.AdvanceUntilAnswered(id);
        Assert.Equal(expected, bench.Answer<GroupAnswer.JoinGroup>(id).ProtocolName);

        static GroupCommand.JoinGroup Joining(string protocols) => GroupBench.Join() with
        {
            Protocols = [.. protocols.Split(' ').Select(static name => new ClassicProtocol(name, default))],
        };
    }

    [Fact]
    public void Another_member_calls_all_to_rejoin()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join());
        long late = bench.Send(GroupBench.Join());
        Assert.Equal(ErrorCode.RebalanceInProgress, bench.ErrorOf(bench.Beat(members[0])));
        long leader = bench.Send(GroupBench.Join(members[0]));
        Assert.False(bench.IsAnswered(leader));
        bench.Send(GroupBench.Join(members[1]));
        Assert.Equal((2, members[0]),
            (bench.Answer<GroupAnswer.JoinGroup>(late).Generation, bench.Answer<GroupAnswer.JoinGroup>(late).LeaderId));
        Assert.Equal(3, bench.Answer<GroupAnswer.JoinGroup>(leader).Members.Count);
    }

    [Fact]
    public void A_follower_that_comes_again_unchanged_is_told_the_generation()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join());
        var answer = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(members[1]));
        Assert.Equal((ErrorCode.None, 1, members[0]), (answer.Error, answer.Generation, answer.LeaderId));
        Assert.Equal(ClassicGroupState.Stable, bench.Group.State);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public void A_leader_that_comes_again_and_a_follower_that_changed_cause_a_rebalance(int index, bool changed)
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join());
        long id = bench.Send(changed
            ? GroupBench.Join(members[index], null, new ClassicProtocol(GroupBench.Range, new byte[] { 9 }))
            : GroupBench.Join(members[index]));
        Assert.False(bench.IsAnswered(id));
        Assert.Equal(ClassicGroupState.PreparingRebalance, bench.Group.State);
    }

    [Fact]
    public void A_member_that_missed_the_answer_to_its_join_gets_it_again()
    {
        var bench = new GroupBench();
        long id = bench.Send(GroupBench.Join());
        bench.AdvanceSeconds(3);
        var first = bench.Answer<GroupAnswer.JoinGroup>(id);
        var again = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(first.MemberId));
        Assert.Equal((1, first.MemberId), (again.Generation, again.LeaderId));
        Assert.Single(again.Members);
    }

    [Fact]
    public void A_join_that_is_repeated_while_it_waits_takes_the_place_of_the_first()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join());
        long first = bench.Send(GroupBench.Join(members[0]));
        long second = bench.Send(GroupBench.Join(members[0]));
        Assert.Equal(ErrorCode.RebalanceInProgress, bench.Answer<GroupAnswer.JoinGroup>(first).Error);
        bench.Send(GroupBench.Join(members[1]));
        Assert.Equal(2, bench.Answer<GroupAnswer.JoinGroup>(second).Generation);
    }

    [Fact]
    public void A_rebalance_waits_for_members_that_have_been_given_an_id()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join());
        string pending = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join() with { RequiresKnownMemberId = true }).MemberId;
        long leader = bench.Send(GroupBench.Join(members[0]));
        Assert.False(bench.IsAnswered(leader));
        bench.Send(GroupBench.Join(pending));
        Assert.Equal(2, bench.Answer<GroupAnswer.JoinGroup>(leader).Members.Count);
    }

    [Fact]
    public void Members_that_do_not_rejoin_in_time_are_left_out()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(
            GroupBench.Join() with { SessionTimeoutMs = 100_000 }, GroupBench.Join() with { SessionTimeoutMs = 100_000 });
        long follower = bench.Send(GroupBench.Join(members[1], null, new ClassicProtocol(GroupBench.Range, new byte[] { 1 })));
        bench.AdvanceSeconds(59.9);
        Assert.False(bench.IsAnswered(follower));
        bench.AdvanceSeconds(0.1);
        var answer = bench.Answer<GroupAnswer.JoinGroup>(follower);
        Assert.Equal((2, members[1]), (answer.Generation, answer.LeaderId));
        Assert.Equal([members[1]], answer.Members.Select(static member => member.MemberId));
        Assert.Equal(ErrorCode.UnknownMemberId, bench.ErrorOf(bench.Beat(members[0])));
    }

    [Fact]
    public void A_group_that_is_full_takes_nobody_in()
    {
        var bench = new GroupBench(new GroupSettings { MaxSize = 2 });
        long[] ids = [bench.Send(GroupBench.Join()), bench.Send(GroupBench.Join())];
        var refused = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join());
        Assert.Equal((ErrorCode.GroupMaxSizeReached, ""), (refused.Error, refused.MemberId));
        bench.AdvanceUntilAnswered(ids);
        bench.AssignAll([.. ids.Select(id => bench.Answer<GroupAnswer.JoinGroup>(id).MemberId)]);
        Assert.Equal(ErrorCode.GroupMaxSizeReached, bench.ErrorOf(GroupBench.Join()));
    }

    [Fact]
    public void A_group_that_has_become_too_large_leaves_out_the_last_to_rejoin()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join(), GroupBench.Join(), GroupBench.Join());
        bench.Settings = bench.Settings with { MaxSize = 2 };
        bench.Restart();
        Assert.Equal(ClassicGroupState.PreparingRebalance, bench.Group.State);
        bench.Send(GroupBench.Join(members[0]));
        long last = bench.Send(GroupBench.Join(members[2]));
        Assert.Equal(ErrorCode.GroupMaxSizeReached, bench.ErrorOf(GroupBench.Join(members[1])));
        bench.AdvanceUntilAnswered(last);
        Assert.Equal(ImmutableHashSet.Create(members[0], members[2]), [.. bench.Group.Members.Keys]);
    }
}

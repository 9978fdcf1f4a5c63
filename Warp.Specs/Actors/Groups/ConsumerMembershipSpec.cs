using Warp.Actors.Catalog;
using Warp.Actors.Groups;
using Warp.Protocol.Messages;
using Xunit;
using static Warp.Specs.Actors.Groups.ConsumerBench;

namespace Warp.Specs.Actors.Groups;

/// <summary>The consumer protocol by examples: joining, moving partitions, leaving, and what time does.</summary>
public sealed class ConsumerMembershipSpec
{
    [Fact]
    public void The_first_member_gets_everything_at_once()
    {
        var bench = new GroupBench();
        var answer = bench.Beat(Joining("a"));
        Assert.Equal((ErrorCode.None, "a", 1, 5000), (answer.Error, answer.MemberId, answer.MemberEpoch, answer.HeartbeatIntervalMs));
        Assert.Equal(Enumerable.Range(0, 10), Partitions(answer.Assignment));
        Assert.Equal(ConsumerGroupState.Stable, bench.Consumers().State);
        Assert.Equal("made-by-the-broker", bench.Beat(Joining("")).MemberId);
    }

    [Fact]
    public void A_partition_is_given_up_before_somebody_else_gets_it()
    {
        var bench = new GroupBench();
        bench.Beat(Joining("a"));
        var second = bench.Beat(Joining("b"));
        Assert.Equal(2, second.MemberEpoch);
        Assert.Empty(second.Assignment!);
        Assert.Equal(ConsumerMemberState.UnreleasedPartitions, bench.Consumers().Members["b"].State);

        var asked = bench.Beat(Beating("a", 1));
        Assert.Equal((1, 5), (asked.MemberEpoch, asked.Assignment!.Count));
        Assert.Equal(ConsumerMemberState.UnrevokedPartitions, bench.Consumers().Members["a"].State);
        Assert.Equal(ConsumerGroupState.Reconciling, bench.Consumers().State);
        Assert.Null(bench.Beat(Beating("b", 2)).Assignment);
        Assert.Null(bench.Beat(Beating("a", 1)).Assignment);

        var revoked = bench.Beat(Beating("a", 1, asked.Assignment));
        Assert.Equal(2, revoked.MemberEpoch);
        Assert.Null(revoked.Assignment);
        Assert.Equal(5, bench.Beat(Beating("b", 2)).Assignment!.Count);
        Assert.Equal(ConsumerGroupState.Stable, bench.Consumers().State);
    }

    [Fact]
    public void Heartbeats_that_say_nothing_new_are_not_journaled()
    {
        var bench = new GroupBench();
        bench.Settle("a", "b");
        int events = bench.Events.Count;
        Assert.Null(bench.BeatObediently("a").Assignment);
        Assert.Equal(events, bench.Events.Count);
    }

    [Fact]
    public void A_full_request_is_answered_with_the_assignment()
    {
        var bench = new GroupBench();
        var joined = bench.Beat(Joining("a"));
        var answer = bench.Beat(Beating("a", 1, joined.Assignment) with { RebalanceTimeoutMs = 60_000, SubscribedTopics = ["t0"] });
        Assert.Equal(10, answer.Assignment!.Count);
    }

    [Fact]
    public void A_member_that_missed_an_answer_may_lag_behind_by_one_epoch()
    {
        var bench = new GroupBench();
        var joined = bench.Beat(Joining("a"));
        bench.Beat(Joining("b"));
        var asked = bench.Beat(Beating("a", 1));
        bench.Beat(Beating("a", 1, asked.Assignment));
        Assert.Equal(2, bench.Beat(Beating("a", 1, asked.Assignment)).MemberEpoch);
        Assert.Equal(ErrorCode.FencedMemberEpoch, bench.Beat(Beating("a", 1, joined.Assignment)).Error);
        Assert.Equal(ErrorCode.FencedMemberEpoch, bench.Beat(Beating("a", 1)).Error);
    }

    [Fact]
    public void Who_leaves_leaves_its_partitions_to_the_others()
    {
        var bench = new GroupBench();
        bench.Settle("a", "b");
        int epoch = bench.Consumers().Epoch;
        var left = bench.Beat(Beating("b", -1));
        Assert.Equal((ErrorCode.None, "b", -1), (left.Error, left.MemberId, left.MemberEpoch));
        Assert.Equal((epoch + 1, ConsumerGroupState.Assigning), (bench.Consumers().Epoch, bench.Consumers().State));
        Assert.Equal(10, bench.BeatObediently("a").Assignment!.Count);
        bench.Beat(Beating("a", -1));
        Assert.Equal((ConsumerGroupState.Empty, true), (bench.Consumers().State, bench.State.Exists));
        Assert.Equal(epoch + 3, bench.Beat(Joining("c")).MemberEpoch);
    }

    [Fact]
    public void Silence_ends_a_membership_after_the_session_timeout()
    {
        var bench = new GroupBench();
        bench.Settle("a", "b");
        bench.AdvanceSeconds(44);
        bench.BeatObediently("a");
        bench.AdvanceSeconds(1);
        Assert.Equal(["a"], bench.Consumers().Members.Keys);
        Assert.Equal(ErrorCode.UnknownMemberId, bench.Beat(Beating("b", 2)).Error);
    }

    [Fact]
    public void Who_does_not_give_up_its_partitions_in_time_is_fenced()
    {
        var bench = new GroupBench();
        bench.Beat(Joining("a") with { RebalanceTimeoutMs = 30_000 });
        bench.Beat(Joining("b"));
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(ErrorCode.None, bench.Beat(Beating("a", 1)).Error);
            bench.BeatObediently("b");
            bench.AdvanceSeconds(10);
        }
        Assert.Equal(["b"], bench.Consumers().Members.Keys);
        Assert.Equal(10, bench.BeatObediently("b").Assignment!.Count);
    }

    [Fact]
    public void A_restart_changes_nothing_that_members_could_see()
    {
        var bench = new GroupBench();
        bench.Beat(Joining("a"));
        bench.Beat(Joining("b"));
        var asked = bench.Beat(Beating("a", 1));
        bench.TakeSnapshot();
        bench.Beat(Joining("c"));
        bench.Restart();
        Assert.Equal(3, bench.Beat(Beating("b", 2)).MemberEpoch);
        Assert.Equal(1, bench.Beat(Beating("a", 1, asked.Assignment)).MemberEpoch);
        bench.SettleAll();
        Assert.Equal(3, bench.Consumers().Epoch);
        Assert.All(bench.Consumers().Members.Values, static member => Assert.InRange(member.Assigned.Count, 3, 4));
        bench.Restart();
        bench.AdvanceSeconds(45);
        Assert.Equal(ConsumerGroupState.Empty, bench.Consumers().State);
    }

    [Fact]
    public void Topics_that_grow_come_or_go_are_seen_at_the_next_heartbeat()
    {
        var bench = new GroupBench();
        Assert.Equal(10, bench.Beat(Joining("a", null, "t0", "later")).Assignment!.Count);
        bench.Catalog = bench.Catalog.Apply(new PartitionsAdded { TopicId = GroupBench.TopicId(0), PartitionCount = 12 })
            .Apply(new TopicOpened { TopicId = GroupBench.TopicId(0), PartitionCount = 12 });
        var grown = bench.Beat(Beating("a", 1));
        Assert.Equal((2, 12), (grown.MemberEpoch, grown.Assignment!.Count));
        bench.Catalog = bench.Catalog.Apply(new TopicCreated { TopicId = GroupBench.TopicId(8), Name = "later", PartitionCount = 1, ReplicationFactor = 1 })
            .Apply(new TopicOpened { TopicId = GroupBench.TopicId(8), PartitionCount = 1 });
        Assert.Equal(13, bench.Beat(Beating("a", 2)).Assignment!.Count);
        bench.Catalog = bench.Catalog.Apply(new TopicDeleted { TopicId = GroupBench.TopicId(0) });
        var gone = bench.Beat(Beating("a", 3));
        Assert.Equal((3, 1), (gone.MemberEpoch, gone.Assignment!.Count));
        Assert.Equal(4, bench.BeatObediently("a").MemberEpoch);
        bench.Catalog = bench.Catalog.Apply(new TopicCreated { TopicId = GroupBench.TopicId(9), Name = "other", PartitionCount = 1, ReplicationFactor = 1 })
            .Apply(new TopicOpened { TopicId = GroupBench.TopicId(9), PartitionCount = 1 });
        Assert.Equal(4, bench.BeatObediently("a").MemberEpoch);
    }

    [Fact]
    public void A_pattern_follows_the_topics_that_it_matches()
    {
        var bench = new GroupBench();
        var joined = bench.Beat(Joining("a") with { SubscribedTopics = null, SubscribedRegex = "t[01]|late.*" });
        Assert.Equal(20, joined.Assignment!.Count);
        bench.Catalog = bench.Catalog.Apply(new TopicCreated { TopicId = GroupBench.TopicId(8), Name = "later", PartitionCount = 1, ReplicationFactor = 1 })
            .Apply(new TopicOpened { TopicId = GroupBench.TopicId(8), PartitionCount = 1 });
        Assert.Equal(21, bench.Beat(Beating("a", 1)).Assignment!.Count);
        var changed = bench.Beat(Beating("a", 2) with { SubscribedRegex = "", SubscribedTopics = ["t2"] });
        Assert.Empty(changed.Assignment!);
        Assert.Equal(10, bench.BeatObediently("a").Assignment!.Count);
        Assert.Null(bench.Consumers().Members["a"].SubscribedPattern);
    }

    [Fact]
    public void The_assignor_that_most_members_ask_for_assigns()
    {
        var bench = new GroupBench();
        bench.Beat(Joining("a") with { ServerAssignor = "range" });
        bench.Beat(Joining("b"));
        Assert.Equal("range", bench.Consumers().Assignor);
        bench.SettleAll();
        Assert.Equal(Enumerable.Range(0, 5), Partitions(bench.Consumers().Members["a"].Assigned));
        bench.Beat(Beating("a", bench.Consumers().Epoch) with { ServerAssignor = "uniform" });
        Assert.Equal("uniform", bench.Consumers().Assignor);
    }

    [Fact]
    public void A_static_member_that_leaves_for_a_while_finds_its_partitions_again()
    {
        var bench = new GroupBench();
        bench.Beat(Joining("a", "one"));
        bench.Beat(Joining("b", "two"));
        bench.SettleAll();
        var (epoch, assigned) = (bench.Consumers().Epoch, bench.Consumers().Members["a"].Assigned);
        Assert.Equal(ErrorCode.UnreleasedInstanceId, bench.Beat(Joining("a2", "one")).Error);
        Assert.Equal(-2, bench.Beat(Beating("a", -2, null, "one")).MemberEpoch);
        Assert.Null(bench.BeatObediently("b").Assignment);

        var back = bench.Beat(Joining("a2", "one"));
        Assert.Equal((ErrorCode.None, epoch), (back.Error, back.MemberEpoch));
        Assert.True(assigned.SetEquals(back.Assignment!));
        Assert.Equal(ErrorCode.FencedInstanceId, bench.Beat(Beating("a", epoch, null, "one")).Error);
        Assert.Equal(ErrorCode.UnknownMemberId, bench.Beat(Beating("a", epoch)).Error);
        Assert.Equal(ConsumerGroupState.Stable, bench.Consumers().State);
    }

    [Fact]
    public void A_static_member_that_stays_away_is_removed()
    {
        var bench = new GroupBench();
        bench.Beat(Joining("a", "one"));
        bench.Beat(Beating("a", -2, null, "one"));
        bench.AdvanceSeconds(44);
        Assert.Single(bench.Consumers().Members);
        bench.AdvanceSeconds(1);
        Assert.Empty(bench.Consumers().StaticMembers);
    }

    [Fact]
    public void Each_bad_heartbeat_gets_its_error()
    {
        var bench = new GroupBench(new GroupSettings { ConsumerMaxSize = 2 });
        Assert.Equal(ErrorCode.GroupIdNotFound, bench.Beat(Beating("a", 1)).Error);
        bench.Beat(Joining("a"));
        bench.Beat(Joining("s", "one"));
        (GroupCommand.ConsumerHeartbeat Beat, ErrorCode Error)[] table =
        [
            (Joining("b"), ErrorCode.GroupMaxSizeReached),
            (Joining("a") with { RebalanceTimeoutMs = -1 }, ErrorCode.InvalidRequest),
            (Joining("a") with { Owned = null }, ErrorCode.InvalidRequest),
            (Joining("a") with { Owned = new HashSet<Warp.Actors.Sequencing.TopicPartition> { GroupBench.Partition(0, 0) } }, ErrorCode.InvalidRequest),
            (Joining("a") with { SubscribedTopics = null }, ErrorCode.InvalidRequest),
            (Joining("a") with { InstanceId = "" }, ErrorCode.InvalidRequest),
            (Joining("a") with { RackId = "" }, ErrorCode.InvalidRequest),
            (Joining("a") with { ServerAssignor = "sticky" }, ErrorCode.UnsupportedAssignor),
            (Joining("a") with { SubscribedRegex = "(" }, ErrorCode.InvalidRegularExpression),
            (Joining("s2", "one"), ErrorCode.UnreleasedInstanceId),
            (Beating("", 1), ErrorCode.InvalidRequest),
            (Beating("a", -2), ErrorCode.InvalidRequest),
            (Beating("a", -3), ErrorCode.InvalidRequest),
            (Beating("b", 1), ErrorCode.UnknownMemberId),
            (Beating("b", -1), ErrorCode.UnknownMemberId),
            (Beating("a", 9), ErrorCode.FencedMemberEpoch),
            (Beating("a", 1) with { SubscribedRegex = "[" }, ErrorCode.InvalidRegularExpression),
            (Beating("s", 1, null, "none"), ErrorCode.UnknownMemberId),
            (Beating("s2", 1, null, "one"), ErrorCode.FencedInstanceId),
            (Beating("s2", -2, null, "one"), ErrorCode.FencedInstanceId),
        ];
        int events = bench.Events.Count;
        foreach (var (beat, error) in table)
        {
            var answer = bench.Beat(beat);
            Assert.Equal((beat, error), (beat, answer.Error));
            Assert.NotNull(answer.Message);
        }
        Assert.Equal(events, bench.Events.Count);
    }

    [Fact]
    public void Offsets_are_committed_by_members_in_their_epoch()
    {
        var bench = new GroupBench();
        bench.Beat(Joining("a"));
        Assert.Equal(ErrorCode.None, bench.ErrorOf(Commit("a", 1)));
        Assert.Equal(ErrorCode.StaleMemberEpoch, bench.ErrorOf(Commit("a", 0)));
        Assert.Equal(ErrorCode.StaleMemberEpoch, bench.ErrorOf(Commit("a", 2)));
        Assert.Equal(ErrorCode.UnknownMemberId, bench.ErrorOf(Commit("b", 1)));
        Assert.Equal(ErrorCode.UnknownMemberId, bench.ErrorOf(Commit("", -1)));
        Assert.Equal(ErrorCode.UnsupportedVersion, bench.ErrorOf(Commit("a", 1) with { KnowsMemberEpochs = false }));
        Assert.Equal([ErrorCode.GroupSubscribedToTopic, ErrorCode.None], bench.Ask<GroupAnswer.Each>(new GroupCommand.DeleteOffsets(
            [new OffsetToDelete(GroupBench.Partition(0, 0), "t0"), new OffsetToDelete(GroupBench.Partition(1, 0), "t1")])).Errors);
        Assert.Equal(ErrorCode.NonEmptyGroup, bench.ErrorOf(new GroupCommand.DeleteGroup()));
        bench.Beat(Beating("a", -1));
        Assert.Equal(ErrorCode.None, bench.ErrorOf(Commit("", -1)));
        Assert.Equal(ErrorCode.None, bench.ErrorOf(new GroupCommand.DeleteGroup()));
        Assert.False(bench.State.Exists);

        static GroupCommand.CommitOffsets Commit(string member, int epoch) => GroupBench.Commit(5, member, epoch) with { KnowsMemberEpochs = true };
    }
}

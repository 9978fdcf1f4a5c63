using Warp.Actors.Catalog;
using Warp.Actors.Groups;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Groups;

public sealed class GroupOffsetsSpec
{
    private static readonly TimeSpan s_retention = new GroupSettings().OffsetsRetention;
    private static readonly TimeSpan s_check = new GroupSettings().OffsetsRetentionCheckInterval;

    [Fact]
    public void A_simple_consumer_commits_without_members()
    {
        var bench = new GroupBench();
        Assert.Equal(ErrorCode.None, bench.ErrorOf(GroupBench.Commit(42, metadata: "note")));
        CommittedOffset committed = bench.State.Image.Offsets[GroupBench.Partition(0, 0)];
        Assert.Equal((42, 3, "note", -1), (committed.Offset, committed.LeaderEpoch, committed.Metadata, committed.ExpireTimeMs));
        GroupDescription described = GroupDescription.Of(bench.State)!;
        Assert.Equal(("Empty", "", "classic"), (described.State, described.ProtocolType, described.Type));
    }

    [Fact]
    public void Only_metadata_that_is_too_long_is_refused()
    {
        var bench = new GroupBench(new GroupSettings { MaxOffsetMetadataLength = 4 });
        var answer = bench.Ask<GroupAnswer.Each>(new GroupCommand.CommitOffsets("", null, -1, -1,
        [
            new(GroupBench.Partition(0, 0), 1, -1, "1234"),
            new(GroupBench.Partition(0, 1), 2, -1, "12345"),
            new(GroupBench.Partition(1, 0), 3, -1, ""),
        ]));
        Assert.Equal([ErrorCode.None, ErrorCode.OffsetMetadataTooLarge, ErrorCode.None], answer.Errors);
        Assert.Equal(2, bench.State.Image.Offsets.Count);
    }

    [Fact]
    public void A_commit_with_nothing_to_keep_makes_no_group()
    {
        var bench = new GroupBench(new GroupSettings { MaxOffsetMetadataLength = 0 });
        bench.Send(GroupBench.Commit(1, metadata: "x"));
        Assert.False(bench.State.Exists);
    }

    [Fact]
    public void The_last_of_two_commits_of_a_partition_counts()
    {
        var bench = new GroupBench();
        bench.Send(new GroupCommand.CommitOffsets("", null, -1, -1,
            [new(GroupBench.Partition(0, 0), 9, -1, ""), new(GroupBench.Partition(0, 0), 5, -1, "")]));
        Assert.Equal(5, bench.State.Image.Offsets[GroupBench.Partition(0, 0)].Offset);
    }

    [Fact]
    public void Offsets_of_a_simple_consumer_expire_after_each_commit_and_the_group_with_the_last()
    {
        var bench = new GroupBench();
        bench.Send(GroupBench.Commit(1));
        bench.Advance(TimeSpan.FromDays(1));
        bench.Send(GroupBench.Commit(2, partition: GroupBench.Partition(0, 1)));
        bench.Advance(TimeSpan.FromDays(6) + s_check);
        Assert.Equal([GroupBench.Partition(0, 1)], bench.State.Image.Offsets.Keys);
        bench.Advance(TimeSpan.FromDays(1));
        Assert.False(bench.State.Exists);
        Assert.IsType<GroupDeleted>(bench.Events[^1]);
    }

    [Fact]
    public void Offsets_of_a_consumer_group_expire_after_it_became_empty()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join());
        bench.Send(GroupBench.Commit(1, members[0], 1));
        for (int i = 0; i < 200; i++)
        {
            bench.AdvanceSeconds(3600);
            if (i < 167)
                Assert.Single(bench.State.Image.Offsets);
        }
        Assert.False(bench.State.Exists);
        // Its member's session ended 10 s after its last sign of life.
        Assert.InRange(bench.Events.OfType<GroupDeleted>().Single().Time - bench.Events.OfType<ClassicGroupEmptied>().Single().Time,
            (long)s_retention.TotalMilliseconds, (long)(s_retention + s_check).TotalMilliseconds);
    }

    [Fact]
    public void A_stable_group_keeps_the_offsets_of_its_topics_and_loses_others()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join() with { SessionTimeoutMs = 1_800_000 });
        bench.Send(new GroupCommand.CommitOffsets(members[0], null, 1, -1,
            [new(GroupBench.Partition(0, 0), 1, -1, ""), new(GroupBench.Partition(1, 0), 2, -1, "")]));
        for (int i = 0; i < 24 * 8; i++)
        {
            bench.AdvanceSeconds(1700);
            bench.Send(bench.Beat(members[0]));
            bench.AdvanceSeconds(1700);
            bench.Send(bench.Beat(members[0]));
        }
        Assert.Equal([GroupBench.Partition(0, 0)], bench.State.Image.Offsets.Keys);
    }

    [Fact]
    public void A_commit_can_ask_for_a_retention_of_its_own()
    {
        var bench = new GroupBench();
        bench.Send(GroupBench.Commit(1, retentionMs: 3_600_000));
        bench.Advance(TimeSpan.FromMinutes(59));
        Assert.Single(bench.State.Image.Offsets);
        bench.Advance(s_check);
        Assert.Empty(bench.State.Image.Offsets);
    }

    [Fact]
    public void The_offsets_of_a_deleted_topic_are_dropped_while_its_members_stay()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join() with { SessionTimeoutMs = 1_800_000 });
        bench.Send(GroupBench.Commit(1, members[0], 1));
        bench.Catalog = bench.Catalog.Apply(new TopicDeleted { TopicId = GroupBench.TopicId(0) });
        bench.Advance(s_check);
        Assert.Empty(bench.State.Image.Offsets);
        Assert.True(bench.State.Exists);
    }

    [Fact]
    public void Offsets_of_topics_that_nobody_subscribes_to_can_be_deleted()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join());
        bench.Send(new GroupCommand.CommitOffsets(members[0], null, 1, -1,
            [new(GroupBench.Partition(0, 0), 1, -1, ""), new(GroupBench.Partition(1, 0), 2, -1, "")]));
        var answer = bench.Ask<GroupAnswer.Each>(new GroupCommand.DeleteOffsets(
            [new(GroupBench.Partition(0, 0), "t0"), new(GroupBench.Partition(1, 0), "t1"), new(GroupBench.Partition(1, 5), "t1")]));
        Assert.Equal([ErrorCode.GroupSubscribedToTopic, ErrorCode.None, ErrorCode.None], answer.Errors);
        Assert.Equal([GroupBench.Partition(0, 0)], bench.State.Image.Offsets.Keys);
    }

    [Fact]
    public void Nothing_can_be_deleted_from_consumers_that_cannot_be_understood()
    {
        var bench = new GroupBench();
        bench.Send(GroupBench.Commit(1));
        bench.Stabilize(GroupBench.Join(protocols: new ClassicProtocol(GroupBench.Range, new byte[] { 0, 0, 0, 0, 0, 9 })));
        Assert.Equal([ErrorCode.GroupSubscribedToTopic],
            bench.Ask<GroupAnswer.Each>(new GroupCommand.DeleteOffsets([new(GroupBench.Partition(0, 0), "t0")])).Errors);
    }

    [Fact]
    public void A_deleted_group_is_gone_with_its_offsets_and_its_generations_count_on()
    {
        var bench = new GroupBench();
        string[] members = bench.Stabilize(GroupBench.Join());
        bench.Send(GroupBench.Commit(1, members[0], 1));
        bench.Send(GroupBench.Leave(members[0]));
        Assert.Equal(ErrorCode.None, bench.ErrorOf(new GroupCommand.DeleteGroup()));
        Assert.Null(GroupDescription.Of(bench.State));
        Assert.Empty(bench.State.Image.Offsets);
        bench.Restart();
        Assert.False(bench.State.Exists);
        long join = bench.Send(GroupBench.Join());
        bench.AdvanceSeconds(3);
        Assert.Equal(3, bench.Answer<GroupAnswer.JoinGroup>(join).Generation);
    }
}

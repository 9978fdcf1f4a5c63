using Warp.Actors.Groups;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Xunit;
using static Warp.Specs.Actors.Groups.ConsumerBench;

namespace Warp.Specs.Actors.Groups;

/// <summary>Groups that go from one protocol to the other with their members in them, and members of both in one group.</summary>
public sealed class ConsumerMigrationSpec
{
    [Fact]
    public void A_consumer_that_joins_a_classic_group_takes_its_members_along_and_they_give_up_their_share()
    {
        var bench = new GroupBench();
        string classic = Classic(bench);
        var joined = bench.Beat(Joining("new"));
        Assert.Equal((ErrorCode.None, 2), (joined.Error, joined.MemberEpoch));
        Assert.Empty(joined.Assignment!);
        ConsumerMember converted = bench.Consumers().Members[classic];
        Assert.Equal((1, 10, 10_000), (converted.Epoch, converted.Assigned.Count, converted.Classic!.SessionTimeoutMs));

        Assert.Equal(ErrorCode.RebalanceInProgress, bench.ErrorOf(new GroupCommand.Heartbeat(classic, null, 1)));
        var rejoined = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(classic));
        Assert.Equal((ErrorCode.None, 2, "", "range"), (rejoined.Error, rejoined.Generation, rejoined.LeaderId, rejoined.ProtocolName));
        var synced = bench.Ask<GroupAnswer.SyncGroup>(new GroupCommand.SyncGroup(classic, null, 2, "consumer", "range", []));
        Assert.Equal((ErrorCode.None, 5), (synced.Error, PartitionsOf(synced.Assignment)["t0"].Length));
        Assert.Equal(ErrorCode.None, bench.ErrorOf(new GroupCommand.Heartbeat(classic, null, 2)));
        Assert.Equal(5, bench.Beat(Beating("new", 2)).Assignment!.Count);
        Assert.Equal(ConsumerGroupState.Stable, bench.Consumers().State);
        Assert.Equal(ErrorCode.None, bench.ErrorOf(GroupBench.Commit(1, classic, 2)));
        Assert.Equal(ErrorCode.IllegalGeneration, bench.ErrorOf(GroupBench.Commit(1, classic, 1)));
    }

    [Fact]
    public void The_last_consumer_that_leaves_makes_the_group_a_classic_one_again()
    {
        var bench = new GroupBench();
        string classic = Classic(bench);
        bench.Beat(Joining("new"));
        bench.Send(GroupBench.Join(classic));
        bench.Send(new GroupCommand.SyncGroup(classic, null, 2, "consumer", "range", []));
        bench.Beat(Beating("new", -1));
        Assert.Null(bench.State.Image.Consumer);
        Assert.Equal((ClassicGroupState.PreparingRebalance, 2), (bench.Group.State, bench.Group.Generation));
        Assert.Equal(5, PartitionsOf(bench.Group.Members[classic].Info.Assignment)["t0"].Length);
        Assert.Equal(ErrorCode.RebalanceInProgress, bench.ErrorOf(new GroupCommand.Heartbeat(classic, null, 2)));
        var joined = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(classic));
        Assert.Equal((ErrorCode.None, 3, classic), (joined.Error, joined.Generation, joined.LeaderId));
    }

    [Fact]
    public void A_restart_after_the_return_to_the_classic_protocol_still_rebalances()
    {
        var bench = new GroupBench();
        string classic = Classic(bench);
        bench.Beat(Joining("new"));
        bench.Send(GroupBench.Join(classic));
        bench.Beat(Beating("new", -1));
        bench.Restart();
        Assert.Equal((ClassicGroupState.PreparingRebalance, 2), (bench.Group.State, bench.Group.Generation));
    }

    [Fact]
    public void Those_who_wait_in_a_classic_group_are_sent_to_join_again()
    {
        var bench = new GroupBench();
        long waiting = bench.Send(GroupBench.Join());
        Assert.Equal(ErrorCode.None, bench.Beat(Joining("new")).Error);
        var answer = bench.Answer<GroupAnswer.JoinGroup>(waiting);
        Assert.Equal(ErrorCode.RebalanceInProgress, answer.Error);
        Assert.Equal(ErrorCode.None, bench.ErrorOf(GroupBench.Join(answer.MemberId)));
        bench.AdvanceSeconds(10);
        Assert.Equal(["new"], bench.Consumers().Members.Keys);
    }

    [Fact]
    public void A_classic_member_that_joins_consumers_is_given_its_id_and_then_its_share()
    {
        var bench = new GroupBench();
        bench.Beat(Joining("a"));
        var first = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join() with { RequiresKnownMemberId = true });
        Assert.Equal(ErrorCode.MemberIdRequired, first.Error);
        var joined = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(first.MemberId) with { RequiresKnownMemberId = true });
        Assert.Equal((ErrorCode.None, 2), (joined.Error, joined.Generation));
        var asked = bench.Beat(Beating("a", 1));
        Assert.Equal(ErrorCode.None, bench.ErrorOf(new GroupCommand.Heartbeat(first.MemberId, null, 2)));
        bench.Beat(Beating("a", 1, asked.Assignment));
        Assert.Equal(ErrorCode.RebalanceInProgress, bench.ErrorOf(new GroupCommand.Heartbeat(first.MemberId, null, 2)));
        bench.Send(GroupBench.Join(first.MemberId));
        var synced = bench.Ask<GroupAnswer.SyncGroup>(new GroupCommand.SyncGroup(first.MemberId, null, 2, null, null, []));
        Assert.Equal(5, PartitionsOf(synced.Assignment)["t0"].Length);
        Assert.Equal([ErrorCode.None], bench.Ask<GroupAnswer.Each>(GroupBench.Leave(first.MemberId)).Errors);
        Assert.Equal(10, bench.BeatObediently("a").Assignment!.Count);
    }

    [Fact]
    public void A_cooperative_member_keeps_what_it_owns_until_it_says_otherwise()
    {
        var bench = new GroupBench();
        bench.Beat(Joining("a"));
        string id = bench.Ask<GroupAnswer.JoinGroup>(Cooperative("c", -1, [])).MemberId;
        bench.BeatObediently("a");
        bench.BeatObediently("a");
        bench.Send(Cooperative(id, 2, []));
        int[] own = Partitions(bench.Consumers().Members[id].Assigned);
        Assert.Equal(5, own.Length);
        bench.Beat(Joining("b"));
        var told = bench.Ask<GroupAnswer.JoinGroup>(Cooperative(id, 2, own));
        Assert.Equal(2, told.Generation);
        Assert.Equal(ConsumerMemberState.UnrevokedPartitions, bench.Consumers().Members[id].State);
        int[] kept = PartitionsOf(bench.Ask<GroupAnswer.SyncGroup>(new GroupCommand.SyncGroup(id, null, 2, null, null, [])).Assignment)["t0"];
        Assert.True(kept.Length < own.Length);
        Assert.Equal(3, bench.Ask<GroupAnswer.JoinGroup>(Cooperative(id, 2, kept)).Generation);
    }

    [Fact]
    public void Members_called_to_join_that_do_not_come_are_removed()
    {
        var bench = new GroupBench();
        string classic = Classic(bench);
        bench.Beat(Joining("new") with { RebalanceTimeoutMs = 600_000 });
        for (int i = 0; i < 12; i++)
        {
            Assert.Equal(ErrorCode.RebalanceInProgress, bench.ErrorOf(new GroupCommand.Heartbeat(classic, null, 1)));
            bench.Beat(Beating("new", 2));
            bench.AdvanceSeconds(5);
        }
        Assert.Equal(["new"], bench.Consumers().Members.Keys);
    }

    [Theory]
    [InlineData(ConsumerMigrationPolicy.Disabled)]
    [InlineData(ConsumerMigrationPolicy.Downgrade)]
    public void Policy_can_forbid_the_way_up(ConsumerMigrationPolicy policy)
    {
        var bench = new GroupBench(new GroupSettings { ConsumerMigration = policy });
        string classic = Classic(bench);
        Assert.Equal(ErrorCode.GroupIdNotFound, bench.Beat(Joining("new")).Error);
        Assert.Equal(ErrorCode.None, bench.ErrorOf(bench.Beat(classic)));
    }

    [Fact]
    public void Policy_can_forbid_the_way_down()
    {
        var bench = new GroupBench(new GroupSettings { ConsumerMigration = ConsumerMigrationPolicy.Upgrade });
        string classic = Classic(bench);
        bench.Beat(Joining("new"));
        bench.Beat(Beating("new", -1));
        Assert.Equal([classic], bench.Consumers().Members.Keys);
    }

    [Fact]
    public void A_group_that_does_not_consist_of_consumers_stays_what_it_is()
    {
        var bench = new GroupBench();
        bench.Stabilize(GroupBench.Join(protocols: new ClassicProtocol("range", new byte[] { 1 })));
        Assert.Equal(ErrorCode.GroupIdNotFound, bench.Beat(Joining("new")).Error);
        bench = new GroupBench();
        bench.Stabilize(GroupBench.Join() with { ProtocolType = "connect" });
        Assert.Equal(ErrorCode.GroupIdNotFound, bench.Beat(Joining("new")).Error);
        bench = new GroupBench();
        bench.Beat(Joining("a"));
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, bench.ErrorOf(GroupBench.Join() with { ProtocolType = "connect" }));
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, bench.ErrorOf(GroupBench.Join(protocols: new ClassicProtocol("range", new byte[] { 1 }))));
    }

    [Fact]
    public void An_empty_group_takes_either_protocol()
    {
        var bench = new GroupBench(new GroupSettings { ConsumerMigration = ConsumerMigrationPolicy.Disabled, InitialRebalanceDelay = TimeSpan.Zero });
        string classic = Classic(bench);
        bench.Send(GroupBench.Leave(classic));
        int generation = bench.Group.Generation;
        Assert.Equal(generation + 1, bench.Beat(Joining("a")).MemberEpoch);
        bench.Beat(Beating("a", -1));
        int epoch = bench.Consumers().Epoch;
        long join = bench.Send(GroupBench.Join());
        bench.AdvanceUntilAnswered(join);
        Assert.Equal(epoch + 1, bench.Answer<GroupAnswer.JoinGroup>(join).Generation);
        Assert.Null(bench.State.Image.Consumer);
    }

    [Fact]
    public void A_static_member_can_be_replaced_by_one_of_the_other_protocol()
    {
        var bench = new GroupBench();
        bench.Beat(Joining("a"));
        string id = bench.Ask<GroupAnswer.JoinGroup>(GroupBench.Join(instanceId: "one")).MemberId;
        var upgraded = bench.Beat(Joining("one-new", "one"));
        Assert.Equal(ErrorCode.None, upgraded.Error);
        Assert.Equal(ErrorCode.FencedInstanceId, bench.ErrorOf(new GroupCommand.Heartbeat(id, "one", 2)));
        Assert.Null(bench.Consumers().Members["one-new"].Classic);
        bench.Beat(Beating("a", -1));
        long join = bench.Send(GroupBench.Join(instanceId: "one"));
        Assert.Null(bench.State.Image.Consumer);
        bench.AdvanceUntilAnswered(join);
        Assert.Equal(ErrorCode.None, bench.Answer<GroupAnswer.JoinGroup>(join).Error);
    }

    /// <summary>A classic group of one, with all of <c>t0</c>.</summary>
    private static string Classic(GroupBench bench)
    {
        long join = bench.Send(GroupBench.Join());
        bench.AdvanceUntilAnswered(join);
        string id = bench.Answer<GroupAnswer.JoinGroup>(join).MemberId;
        bench.Send(bench.Sync(id, KeyValuePair.Create(id, (ReadOnlyMemory<byte>)Assignment("t0", 10))));
        return id;
    }

    private static GroupCommand.JoinGroup Cooperative(string memberId, int generation, int[] owned)
    {
        using var writer = new WireWriter();
        writer.WriteInt16(2);
        writer.WriteInt32(1);
        writer.WriteString("t0", compact: false);
        writer.WriteInt32(-1);
        writer.WriteInt32(1);
        writer.WriteString("t0", compact: false);
        writer.WriteInt32(owned.Length);
        foreach (int partition in owned)
            writer.WriteInt32(partition);
        writer.WriteInt32(generation);
        return GroupBench.Join(memberId, protocols: new ClassicProtocol("cooperative-sticky", writer.ToArray()));
    }

    private static byte[] Assignment(string topic, int count)
    {
        using var writer = new WireWriter();
        writer.WriteInt16(0);
        writer.WriteInt32(1);
        writer.WriteString(topic, compact: false);
        writer.WriteInt32(count);
        for (int i = 0; i < count; i++)
            writer.WriteInt32(i);
        writer.WriteInt32(-1);
        return writer.ToArray();
    }

    private static Dictionary<string, int[]> PartitionsOf(ReadOnlyMemory<byte> assignment)
    {
        var reader = new WireReader(assignment);
        reader.ReadInt16("version");
        var topics = new Dictionary<string, int[]>();
        for (int left = reader.ReadInt32("topics"); left > 0; left--)
        {
            string topic = reader.ReadString("topic", compact: false);
            topics[topic] = new int[reader.ReadInt32("partitions")];
            for (int i = 0; i < topics[topic].Length; i++)
                topics[topic][i] = reader.ReadInt32("partition");
        }
        return topics;
    }
}

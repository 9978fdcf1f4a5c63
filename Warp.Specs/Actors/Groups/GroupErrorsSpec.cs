using Warp.Actors.Groups;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Groups;

/// <summary>
/// Bad input, a row each, with the error that Kafka 4.2 gives. What only a handler can see (topics that do not exist) has its rows in
/// GroupOffsetHandlersSpec, the consumer protocol's in ConsumerMembershipSpec.
/// </summary>
public sealed class GroupErrorsSpec
{
    private static readonly Dictionary<string, (ErrorCode Expected, Func<GroupBench, ErrorCode> Act)> s_rows = new()
    {
        ["join: session timeout too short"] =
            (ErrorCode.InvalidSessionTimeout, static b => b.ErrorOf(GroupBench.Join() with { SessionTimeoutMs = 5999 })),
        ["join: session timeout too long"] =
            (ErrorCode.InvalidSessionTimeout, static b => b.ErrorOf(GroupBench.Join() with { SessionTimeoutMs = 1_800_001 })),
        ["join: unknown group"] = (ErrorCode.UnknownMemberId, static b => b.ErrorOf(GroupBench.Join("stranger"))),
        ["join: unknown member"] = (ErrorCode.UnknownMemberId, static b => Stable(b).ErrorOf(GroupBench.Join("stranger"))),
        ["join: unknown instance"] = (ErrorCode.UnknownMemberId, static b => Stable(b).ErrorOf(GroupBench.Join(Member(b), "stranger"))),
        ["join: known id in an empty group"] = (ErrorCode.UnknownMemberId, static b => Emptied(b).ErrorOf(GroupBench.Join("client-1"))),
        ["join: no protocols"] = (ErrorCode.InconsistentGroupProtocol, static b => b.ErrorOf(GroupBench.Join() with { Protocols = [] })),
        ["join: no protocol type"] =
            (ErrorCode.InconsistentGroupProtocol, static b => b.ErrorOf(GroupBench.Join() with { ProtocolType = "" })),
        ["join: other protocol type"] =
            (ErrorCode.InconsistentGroupProtocol, static b => Stable(b).ErrorOf(GroupBench.Join() with { ProtocolType = "connect" })),
        ["join: no common protocol"] = (ErrorCode.InconsistentGroupProtocol,
            static b => Stable(b).ErrorOf(GroupBench.Join(protocols: new ClassicProtocol("other", default)))),
        ["join: rejoin without a common protocol"] = (ErrorCode.InconsistentGroupProtocol,
            static b => Stable(b).ErrorOf(GroupBench.Join(Member(b), null, new ClassicProtocol("other", default)))),
        ["join: pending member turns static"] = (ErrorCode.UnknownServerError,
            static b => b.ErrorOf(
                GroupBench.Join(b.Ask<GroupAnswer.JoinGroup>(GroupBench.Join() with { RequiresKnownMemberId = true }).MemberId, "i"))),
        ["join: group is full"] = (ErrorCode.GroupMaxSizeReached, static b =>
        {
            b.Settings = b.Settings with { MaxSize = 2 };
            return Stable(b).ErrorOf(GroupBench.Join());
        }),
        ["sync: unknown group"] = (ErrorCode.UnknownMemberId, static b => b.ErrorOf(b.Sync("stranger"))),
        ["sync: empty group"] = (ErrorCode.UnknownMemberId, static b => Emptied(b).ErrorOf(b.Sync("stranger"))),
        ["sync: unknown member"] = (ErrorCode.UnknownMemberId, static b => Stable(b).ErrorOf(b.Sync("stranger"))),
        ["sync: wrong generation"] =
            (ErrorCode.IllegalGeneration, static b => Stable(b).ErrorOf(b.Sync(Member(b)) with { Generation = 2 })),
        ["sync: other protocol type"] =
            (ErrorCode.InconsistentGroupProtocol, static b => Stable(b).ErrorOf(b.Sync(Member(b)) with { ProtocolType = "connect" })),
        ["sync: other protocol name"] =
            (ErrorCode.InconsistentGroupProtocol, static b => Stable(b).ErrorOf(b.Sync(Member(b)) with { ProtocolName = "other" })),
        ["sync: rebalance under way"] = (ErrorCode.RebalanceInProgress, static b => Preparing(b).ErrorOf(b.Sync(Member(b)))),
        ["sync: fenced instance"] =
            (ErrorCode.FencedInstanceId, static b => Stable(b).ErrorOf(b.Sync(Member(b)) with { InstanceId = "i" })),
        ["sync: assignment too large"] = (ErrorCode.UnknownServerError, static b =>
        {
            b.Settings = b.Settings with { MaxAssignmentBytes = 1000 };
            b.Send(GroupBench.Join());
            b.AdvanceSeconds(3);
            return b.ErrorOf(b.Sync(Member(b), KeyValuePair.Create(Member(b), new ReadOnlyMemory<byte>(new byte[1000]))));
        }),
        ["heartbeat: unknown group"] = (ErrorCode.UnknownMemberId, static b => b.ErrorOf(b.Beat("stranger"))),
        ["heartbeat: empty group"] = (ErrorCode.UnknownMemberId, static b => Emptied(b).ErrorOf(b.Beat("stranger"))),
        ["heartbeat: unknown member"] = (ErrorCode.UnknownMemberId, static b => Stable(b).ErrorOf(b.Beat("stranger"))),
        ["heartbeat: wrong generation"] =
            (ErrorCode.IllegalGeneration, static b => Stable(b).ErrorOf(b.Beat(Member(b)) with { Generation = 0 })),
        ["heartbeat: wrong generation while a rebalance is under way"] =
            (ErrorCode.IllegalGeneration, static b => Preparing(b).ErrorOf(b.Beat(Member(b)) with { Generation = 0 })),
        ["heartbeat: rebalance under way"] = (ErrorCode.RebalanceInProgress, static b => Preparing(b).ErrorOf(b.Beat(Member(b)))),
        ["heartbeat: unknown instance"] =
            (ErrorCode.UnknownMemberId, static b => Stable(b).ErrorOf(b.Beat(Member(b)) with { InstanceId = "stranger" })),
        ["heartbeat: fenced instance"] =
            (ErrorCode.FencedInstanceId, static b => Stable(b).ErrorOf(b.Beat(Member(b)) with { InstanceId = "i" })),
        ["leave: unknown group"] = (ErrorCode.UnknownMemberId, static b => b.Ask<GroupAnswer.Each>(GroupBench.Leave("stranger")).Errors[0]),
        ["leave: unknown member"] =
            (ErrorCode.UnknownMemberId, static b => Stable(b).Ask<GroupAnswer.Each>(GroupBench.Leave("stranger")).Errors[0]),
        ["leave: unknown instance"] =
            (ErrorCode.UnknownMemberId, static b => Stable(b).Ask<GroupAnswer.Each>(GroupBench.Leave("", "stranger")).Errors[0]),
        ["leave: fenced instance"] =
            (ErrorCode.FencedInstanceId, static b => Stable(b).Ask<GroupAnswer.Each>(GroupBench.Leave(Member(b), "i")).Errors[0]),
        ["commit: generation of an unknown group, before version 9"] =
            (ErrorCode.IllegalGeneration, static b => b.ErrorOf(GroupBench.Commit(1, "m", 0))),
        ["commit: generation of an unknown group, from version 9 on"] = (ErrorCode.GroupIdNotFound,
            static b => b.ErrorOf(GroupBench.Commit(1, "m", 0) with { KnowsGroupIdNotFound = true })),
        ["commit: generation of an empty group"] =
            (ErrorCode.UnknownMemberId, static b => Emptied(b).ErrorOf(GroupBench.Commit(1, "m", 1))),
        ["commit: without a member into a group that has members"] =
            (ErrorCode.UnknownMemberId, static b => Stable(b).ErrorOf(GroupBench.Commit(1))),
        ["commit: unknown member"] = (ErrorCode.UnknownMemberId, static b => Stable(b).ErrorOf(GroupBench.Commit(1, "stranger", 1))),
        ["commit: wrong generation"] = (ErrorCode.IllegalGeneration, static b => Stable(b).ErrorOf(GroupBench.Commit(1, Member(b), 2))),
        ["commit: member without a generation"] =
            (ErrorCode.IllegalGeneration, static b => Stable(b).ErrorOf(GroupBench.Commit(1, Member(b)))),
        ["commit: fenced instance"] =
            (ErrorCode.FencedInstanceId, static b => Stable(b).ErrorOf(GroupBench.Commit(1, Member(b), 1) with { InstanceId = "i" })),
        ["commit: unknown instance"] =
            (ErrorCode.UnknownMemberId, static b => Stable(b).ErrorOf(GroupBench.Commit(1, Member(b), 1) with { InstanceId = "stranger" })),
        ["commit: before the leader has assigned"] = (ErrorCode.RebalanceInProgress, static b =>
        {
            b.Send(GroupBench.Join());
            b.AdvanceSeconds(3);
            return b.ErrorOf(GroupBench.Commit(1, Member(b), 1));
        }),
        ["commit: metadata too long"] = (ErrorCode.OffsetMetadataTooLarge,
            static b => b.Ask<GroupAnswer.Each>(GroupBench.Commit(1, metadata: new string('x', 4097))).Errors[0]),
        ["commit: while members rejoin"] = (ErrorCode.None, static b => Preparing(b).ErrorOf(GroupBench.Commit(1, Member(b), 1))),
        ["delete offsets: unknown group"] = (ErrorCode.GroupIdNotFound, static b => b.ErrorOf(new GroupCommand.DeleteOffsets([]))),
        ["delete offsets: members of another protocol type"] = (ErrorCode.NonEmptyGroup, static b =>
        {
            b.Stabilize(GroupBench.Join() with { ProtocolType = "connect" });
            return b.ErrorOf(new GroupCommand.DeleteOffsets([]));
        }),
        ["delete offsets: subscribed topic"] = (ErrorCode.GroupSubscribedToTopic,
            static b => Stable(b).Ask<GroupAnswer.Each>(new GroupCommand.DeleteOffsets([new(GroupBench.Partition(0, 0), "t0")])).Errors[0]),
        ["delete group: unknown"] = (ErrorCode.GroupIdNotFound, static b => b.ErrorOf(new GroupCommand.DeleteGroup())),
        ["delete group: not empty"] = (ErrorCode.NonEmptyGroup, static b => Stable(b).ErrorOf(new GroupCommand.DeleteGroup())),
    };

    public static TheoryData<string> Rows => [.. s_rows.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void Bad_input_gets_Kafkas_error(string row) => Assert.Equal(s_rows[row].Expected, s_rows[row].Act(new GroupBench()));

    /// <summary>Two members, the second one static (<c>i</c>).</summary>
    private static GroupBench Stable(GroupBench bench)
    {
        bench.Stabilize(GroupBench.Join(), GroupBench.Join(instanceId: "i"));
        return bench;
    }

    private static GroupBench Preparing(GroupBench bench)
    {
        Stable(bench).Send(GroupBench.Join());
        return bench;
    }

    private static GroupBench Emptied(GroupBench bench)
    {
        bench.Send(GroupBench.Leave(bench.Stabilize(GroupBench.Join())[0]));
        return bench;
    }

    private static string Member(GroupBench bench) => bench.Group.LeaderId!;
}

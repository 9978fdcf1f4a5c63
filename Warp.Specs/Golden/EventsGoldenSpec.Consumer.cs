using Warp.Actors.Groups;
using Warp.Protocol.Messages;

namespace Warp.Specs.Golden;

public sealed partial class EventsGoldenSpec
{
    /// <summary>The events of the consumer protocol (KIP-848).</summary>
    private static IEvent[] ConsumerSamples() =>
    [
        new ConsumerGroupStarted { Time = 1_790_000_000_123, Epoch = 66 },
        new ConsumerMemberChanged { Time = 1_790_000_000_123, Member = Consumer() },
        new ConsumerMemberReplaced { Time = 1_790_000_000_123, OldMemberId = "c-0", Member = Upgrading() },
        new ConsumerMembersLeft { Time = 1_790_000_000_123, MemberIds = ["c-1", "d-2"] },
        new ConsumerEpochRaised { Time = 1_790_000_000_123, Epoch = 67, MetadataHash = -(1L << 60) },
        new ConsumerTargetAssigned
        {
            Time = 1_790_000_000_123,
            Epoch = 67,
            Assignor = "uniform",
            Members = [new() { MemberId = "c-1", Partitions = [Partitions(0, 300)] }, new() { MemberId = "d-2" }],
        },
    ];

    private static ConsumerMemberRecord Consumer() => new()
    {
        MemberId = "c-1",
        InstanceId = null,
        RackId = "az-1",
        ClientId = "c",
        ClientHost = "/10.0.0.8",
        RebalanceTimeoutMs = 300_000,
        SubscribedTopics = ["orders.v2", "payments"],
        SubscribedRegex = "^audit.*",
        ServerAssignor = "range",
        Classic = null,
        Epoch = 67,
        PreviousEpoch = 66,
        State = 1,
        Assigned = [Partitions(0, 1)],
        PendingRevocation = [Partitions(300)],
    };

    /// <summary>A static member that still speaks the classic protocol in a group that has moved on.</summary>
    private static ConsumerMemberRecord Upgrading() => new()
    {
        MemberId = "c-2",
        InstanceId = "rack-7",
        ClientId = "c",
        ClientHost = "/10.0.0.9",
        RebalanceTimeoutMs = 60_000,
        SubscribedTopics = ["orders.v2"],
        Classic = new()
        {
            SessionTimeoutMs = 45_000,
            Protocols = [new() { Name = "cooperative-sticky", Metadata = new byte[] { 0, 3 } }],
        },
        Epoch = 66,
        PreviousEpoch = 65,
    };

    private static GroupPartitionsRecord Partitions(params List<int> partitions) => new() { TopicId = s_topic, Partitions = partitions };
}

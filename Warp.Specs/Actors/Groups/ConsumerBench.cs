using Warp.Actors.Groups;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Groups;

/// <summary>Heartbeats of the consumer protocol to a <see cref="GroupBench"/>.</summary>
internal static class ConsumerBench
{
    public static GroupCommand.ConsumerHeartbeat Joining(string memberId, string? instanceId = null, params string[] topics) => new()
    {
        MemberId = memberId,
        MemberEpoch = 0,
        InstanceId = instanceId,
        ClientId = "client",
        ClientHost = "/10.0.0.1",
        RebalanceTimeoutMs = 60_000,
        SubscribedTopics = topics.Length > 0 ? topics : ["t0"],
        Owned = new HashSet<TopicPartition>(),
        UniqueId = "made-by-the-broker",
    };

    public static GroupCommand.ConsumerHeartbeat Beating(string memberId, int epoch, IEnumerable<TopicPartition>? owned = null, string? instanceId = null) => new()
    {
        MemberId = memberId,
        MemberEpoch = epoch,
        InstanceId = instanceId,
        ClientId = "client",
        ClientHost = "/10.0.0.1",
        Owned = owned?.ToHashSet(),
        UniqueId = "unused",
    };

    public static ConsumerGroup Consumers(this GroupBench bench) => bench.State.Image.Consumer!;

    public static GroupAnswer.ConsumerHeartbeat Beat(this GroupBench bench, GroupCommand.ConsumerHeartbeat beat) => bench.Ask<GroupAnswer.ConsumerHeartbeat>(beat);

    /// <summary>A heartbeat of a member that does at once what it is told, and must be accepted.</summary>
    public static GroupAnswer.ConsumerHeartbeat BeatObediently(this GroupBench bench, string memberId)
    {
        ConsumerMember member = bench.Consumers().Members[memberId];
        var answer = bench.Beat(Beating(memberId, member.Epoch, member.Assigned, member.InstanceId));
        Assert.Equal(ErrorCode.None, answer.Error);
        return answer;
    }

    /// <summary>Members that have joined one after the other and have all that they are to have.</summary>
    public static void Settle(this GroupBench bench, params string[] members)
    {
        foreach (string member in members)
            Assert.Equal(ErrorCode.None, bench.Beat(Joining(member)).Error);
        bench.SettleAll();
    }

    public static void SettleAll(this GroupBench bench)
    {
        for (int round = 0; round < 4; round++)
        {
            foreach (string member in bench.Consumers().Members.Keys)
                bench.BeatObediently(member);
        }
        Assert.Equal(ConsumerGroupState.Stable, bench.Consumers().State);
    }

    public static int[] Partitions(IEnumerable<TopicPartition>? partitions) => [.. partitions!.Select(static partition => partition.Partition).Order()];
}

using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Clients.ConsumerGroups;

/// <summary>Groups of real consumers that speak the consumer protocol (KIP-848), on a node that is a process of its own.</summary>
public sealed class ConsumerProtocolSpec
{
    private const string Group = "workers";
    private static readonly TimeSpan s_session = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_node_that_is_killed_in_the_middle_of_a_rebalance_comes_back_with_its_group()
    {
        await using WarpProcess node = await ConsumerProtocolNode.StartAsync(s_session);
        await using GroupLoad load = await GroupLoad.StartAsync(node.Bootstrap);
        List<Member> members = [Add(node, load), Add(node, load), Add(node, load)];
        await AllAssignedAsync(members);
        await members[0].CloseAsync();
        members.RemoveAt(0);
        members.Add(Add(node, load));
        await node.KillAsync();
        await node.StartAgainAsync();
        await Wait.UntilAsync(() => IsAssigned(members), s_session + TimeSpan.FromSeconds(5), "the group to be stable again");
        await members[0].CrashAsync();
        members.RemoveAt(0);
        await AllAssignedAsync(members);
        await load.StopAsync();
        await AllSeenAsync(load);
        await Task.WhenAll(members.Select(static member => member.CloseAsync()));
    }

    [Fact]
    public async Task A_classic_group_migrates_one_member_after_the_other_and_back()
    {
        await using WarpProcess node = await ConsumerProtocolNode.StartAsync(s_session);
        await using GroupLoad load = await GroupLoad.StartAsync(node.Bootstrap);
        List<Member> members = [AddClassic(), AddClassic()];
        await AllAssignedAsync(members);
        for (int i = 0; i < 2; i++)
        {
            members.Add(Add(node, load));
            await AllAssignedAsync(members);
            await members[0].CloseAsync();
            members.RemoveAt(0);
            await AllAssignedAsync(members);
        }
        for (int i = 0; i < 2; i++)
        {
            members.Add(AddClassic());
            await AllAssignedAsync(members);
            await members[0].CloseAsync();
            members.RemoveAt(0);
            await AllAssignedAsync(members);
        }
        await load.StopAsync();
        await AllSeenAsync(load);
        Assert.Empty(load.Doubled);
        await Task.WhenAll(members.Select(static member => member.CloseAsync()));

        Member AddClassic() => new(node.Bootstrap, Group, load.Topic, load.Seen, static config =>
            config.PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky);
    }

    [Fact]
    public async Task A_pattern_sees_topics_that_are_made_later()
    {
        await using WarpProcess node = await ConsumerProtocolNode.StartAsync(s_session);
        await using GroupLoad load = await GroupLoad.StartAsync(node.Bootstrap);
        var member = new Member(node.Bootstrap, Group, "^lo.*d$", load.Seen, Configure);
        await AllAssignedAsync([member]);
        await load.StopAsync();
        await AllSeenAsync(load);
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap })
            .SetLogHandler(static (_, _) => { })
            .Build();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = "loud", NumPartitions = 20, ReplicationFactor = 1 }]);
        await Wait.UntilAsync(() => member.Assigned.Contains(19), s_patience, "the new topic");
        await member.CloseAsync();
    }

    private static void Configure(ConsumerConfig config)
    {
        config.GroupProtocol = GroupProtocol.Consumer;
        config.SessionTimeoutMs = null;
        config.HeartbeatIntervalMs = null;
        config.ReconnectBackoffMaxMs = 500;
    }

    private static Member Add(WarpProcess node, GroupLoad load) => new(node.Bootstrap, Group, load.Topic, load.Seen, Configure);

    private static bool IsAssigned(IReadOnlyCollection<Member> members) =>
        members.All(static member => member.Assigned.Length > 0)
        && members.SelectMany(static member => member.Assigned).Order().SequenceEqual(Enumerable.Range(0, GroupLoad.PartitionCount));

    private static Task AllAssignedAsync(IReadOnlyCollection<Member> members) =>
        Wait.UntilAsync(() => IsAssigned(members), s_patience, "every partition to have one member");

    private static Task AllSeenAsync(GroupLoad load) => Wait.UntilAsync(() => load.Missed.Count == 0, s_patience, "every record to be seen");
}

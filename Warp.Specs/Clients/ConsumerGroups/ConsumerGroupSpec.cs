using Confluent.Kafka;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Clients.ConsumerGroups;

/// <summary>Groups of real consumers on a node that is a process of its own.</summary>
public sealed class ConsumerGroupSpec
{
    private const string Group = "workers";
    private static readonly TimeSpan s_session = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_node_that_is_killed_in_the_middle_of_a_rebalance_comes_back_with_its_groups_and_offsets()
    {
        await using var node = await WarpProcess.StartAsync();
        await using GroupLoad load = await GroupLoad.StartAsync(node.Bootstrap);
        List<Member> members = [Add(), Add(), Add()];
        await AllAssignedAsync(members);
        await Wait.UntilAsync(() => load.DeliveredCount > 500, s_patience, "records");
        IReadOnlyList<TopicPartitionOffset> before = Committed(node.Bootstrap, load.Topic);

        // One member leaves and another one comes: the node dies before the rest have heard of it.
        await members[0].CloseAsync();
        members.RemoveAt(0);
        members.Add(Add());
        await node.KillAsync();
        await node.StartAgainAsync();
        await Wait.UntilAsync(() => IsAssigned(members), s_session + TimeSpan.FromSeconds(5), "the group to be stable again");

        foreach ((TopicPartitionOffset was, TopicPartitionOffset now) in before.Zip(Committed(node.Bootstrap, load.Topic)))
            Assert.True(was.Offset.Value <= now.Offset.Value, $"{was} went back to {now}");
        await load.StopAsync();
        await AllSeenAsync(load);
        await Task.WhenAll(members.Select(static member => member.CloseAsync()));

        Member Add() => new(node.Bootstrap, Group, load.Topic, load.Seen, static config => config.ReconnectBackoffMaxMs = 500);
    }

    [Fact]
    public async Task A_static_member_that_is_restarted_keeps_its_partitions_and_disturbs_nobody()
    {
        await using var node = await WarpProcess.StartAsync();
        await using GroupLoad load = await GroupLoad.StartAsync(node.Bootstrap);
        Member[] members = [Add("one"), Add("two")];
        await AllAssignedAsync(members);
        int[] before = members[0].Assigned;

        await members[0].CrashAsync();
        members[0] = Add("one");
        await AllAssignedAsync(members);
        Assert.Equal(before, members[0].Assigned);
        Assert.Equal(1, members[1].AssignmentCount);

        // A second one with the same id fences the first.
        Member second = Add("one");
        await Wait.UntilAsync(() => second.Assigned.Length == 6, s_patience, "the second to take over");
        await Wait.UntilAsync(
            () => members[0].Errors.Any(static error => error.Contains("fenced", StringComparison.OrdinalIgnoreCase)),
            s_patience,
            "the first to be fenced");
        Assert.Equal(1, members[1].AssignmentCount);
        await load.StopAsync();
        await AllSeenAsync(load);
        await members[0].CrashAsync();
        await members[1].CloseAsync();
        await second.CloseAsync();

        Member Add(string instance) => new(node.Bootstrap, Group, load.Topic, load.Seen, config =>
        {
            config.GroupInstanceId = instance;
            config.SessionTimeoutMs = 30_000;
        });
    }

    private static bool IsAssigned(IReadOnlyCollection<Member> members) =>
        members.All(static member => member.Assigned.Length > 0)
        && members.SelectMany(static member => member.Assigned).Order().SequenceEqual(Enumerable.Range(0, GroupLoad.PartitionCount));

    private static Task AllAssignedAsync(IReadOnlyCollection<Member> members) =>
        Wait.UntilAsync(() => IsAssigned(members), s_patience, "every partition to have one member");

    private static Task AllSeenAsync(GroupLoad load) =>
        Wait.UntilAsync(() => load.Missed.Count == 0, s_patience, "every record to be seen");

    private static List<TopicPartitionOffset> Committed(string bootstrap, string topic)
    {
        var config = new ConsumerConfig { BootstrapServers = bootstrap, GroupId = Group };
        using IConsumer<Ignore, Ignore> consumer = new ConsumerBuilder<Ignore, Ignore>(config).Build();
        return consumer.Committed(
            Enumerable.Range(0, GroupLoad.PartitionCount).Select(i => new TopicPartition(topic, i)), s_patience);
    }
}

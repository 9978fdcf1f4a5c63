using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Clients.ConsumerGroups;

/// <summary>Groups as administrators see them, with Confluent's admin client.</summary>
public sealed class GroupAdministrationSpec
{
    private const string Group = "administered";

    [Fact]
    public async Task A_group_is_listed_described_reset_and_deleted_and_survives_a_restart()
    {
        await using var node = await WarpProcess.StartAsync();
        var config = new AdminClientConfig { BootstrapServers = node.Bootstrap };
        using IAdminClient admin = new AdminClientBuilder(config).SetLogHandler(static (_, _) => { }).Build();
        await using GroupLoad load = await GroupLoad.StartAsync(node.Bootstrap);
        var member = new Member(node.Bootstrap, Group, load.Topic, load.Seen);
        await Wait.UntilAsync(() => member.Assigned.Length == GroupLoad.PartitionCount, TimeSpan.FromSeconds(60), "the assignment");
        await load.StopAsync();
        await Wait.UntilAsync(() => load.Missed.Count == 0, TimeSpan.FromSeconds(60), "the records");

        ConsumerGroupDescription stable = Assert.Single((await admin.DescribeConsumerGroupsAsync([Group])).ConsumerGroupDescriptions);
        Assert.Equal((ConsumerGroupState.Stable, "range", false), (stable.State, stable.PartitionAssignor, stable.IsSimpleConsumerGroup));
        MemberDescription described = Assert.Single(stable.Members);
        Assert.Equal(GroupLoad.PartitionCount, described.Assignment.TopicPartitions.Count);
        Assert.Equal(("rdkafka", "/127.0.0.1"), (described.ClientId, described.Host));
        Assert.Contains(await ListAsync(), static group => group is { GroupId: Group, State: ConsumerGroupState.Stable });
        await Assert.ThrowsAsync<DeleteGroupsException>(() => admin.DeleteGroupsAsync([Group]));

        await member.CloseAsync();
        Dictionary<int, long> committed = await OffsetsAsync();
        Assert.Equal(load.DeliveredCount, committed.Values.Sum());
        await node.KillAsync();
        await node.StartAgainAsync();
        Assert.Equal(committed, await OffsetsAsync());
        Assert.Contains(await ListAsync(), static group => group is { GroupId: Group, State: ConsumerGroupState.Empty });

        await admin.AlterConsumerGroupOffsetsAsync(
            [new ConsumerGroupTopicPartitionOffsets(Group, [new TopicPartitionOffset(load.Topic, 3, 7)])]);
        Assert.Equal(7, (await OffsetsAsync())[3]);
        await admin.DeleteConsumerGroupOffsetsAsync(Group, [new TopicPartition(load.Topic, 3)]);
        Assert.Equal(GroupLoad.PartitionCount - 1, (await OffsetsAsync()).Count);
        await admin.DeleteGroupsAsync([Group]);
        Assert.DoesNotContain(await ListAsync(), static group => group.GroupId == Group);
        Assert.Empty(await OffsetsAsync());

        async Task<List<ConsumerGroupListing>> ListAsync() => (await admin.ListConsumerGroupsAsync()).Valid;

        async Task<Dictionary<int, long>> OffsetsAsync() =>
            (await admin.ListConsumerGroupOffsetsAsync([new ConsumerGroupTopicPartitions(Group, null)]))[0].Partitions
                .ToDictionary(static offset => offset.Partition.Value, static offset => offset.Offset.Value);
    }
}

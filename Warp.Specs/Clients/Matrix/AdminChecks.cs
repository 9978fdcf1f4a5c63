using Xunit;

namespace Warp.Specs.Clients.Matrix;

/// <summary>The checks of administration.</summary>
internal static class AdminChecks
{
    private const int TopicAlreadyExists = 36;
    private const int InvalidPartitions = 37;
    private const int InvalidConfig = 40;
    private const int ElectionNotNeeded = 84;

    public static IReadOnlyList<MatrixCheck> All { get; } =
    [
        new("describe the cluster", DescribeClusterAsync),
        new("create a topic", CreateAsync),
        new("error for a topic that exists", CreateExistingAsync),
        new("list topics", ListAsync),
        new("describe a topic", DescribeAsync),
        new("create partitions", CreatePartitionsAsync),
        new("describe configs", DescribeConfigsAsync),
        new("alter configs", AlterConfigsAsync),
        new("alter configs incrementally", ChangeConfigsAsync),
        new("delete records", DeleteRecordsAsync),
        new("delete a topic", DeleteTopicAsync),
        new("elect leaders", ElectLeadersAsync),
        new("list partition reassignments", ListReassignmentsAsync),
    ];

    private static async Task DescribeClusterAsync(CheckContext context, CancellationToken cancellation)
    {
        var expected = await context.Reference.DescribeClusterAsync(cancellation);
        var cluster = await context.Driver.DescribeClusterAsync(cancellation);
        Assert.Equal(expected.Controller, cluster.Controller);
        Assert.Equal(expected.Brokers, cluster.Brokers);
        Assert.Contains(cluster.Controller, cluster.Brokers);
        Assert.True(cluster.ClusterId is null || cluster.ClusterId == expected.ClusterId, $"the cluster id is {cluster.ClusterId}");
    }

    private static async Task CreateAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = context.Own("created");
        await context.Driver.CreateTopicAsync(topic, 3, new Dictionary<string, string> { ["retention.ms"] = "123456" }, cancellation);
        Assert.Equal(3, (await context.Reference.DescribeTopicAsync(topic, cancellation)).Count);
        Assert.Equal("123456", (await context.Reference.DescribeConfigsAsync(topic, cancellation))["retention.ms"]);
    }

    private static async Task CreateExistingAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("existing", cancellation);
        var refused = await Assert.ThrowsAsync<ClientCallException>(
            () => context.Driver.CreateTopicAsync(topic, 1, new Dictionary<string, string>(), cancellation));
        Assert.Equal(TopicAlreadyExists, refused.Code);
    }

    private static async Task ListAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("listed", cancellation);
        Assert.Single(await context.Driver.ListTopicsAsync(cancellation), topic);
    }

    private static async Task DescribeAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("described", cancellation, partitions: 3);
        var cluster = await context.Reference.DescribeClusterAsync(cancellation);
        var partitions = await context.Driver.DescribeTopicAsync(topic, cancellation);
        Assert.Equal([0, 1, 2], partitions.Select(each => each.Partition));
        Assert.All(partitions, each => Assert.Contains(each.Leader, cluster.Brokers));
        Assert.All(partitions, each => Assert.Contains(each.Leader, each.Replicas));
    }

    private static async Task CreatePartitionsAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("grown", cancellation, partitions: 2);
        await context.Driver.CreatePartitionsAsync(topic, 5, cancellation);
        Assert.Equal(5, (await context.Reference.DescribeTopicAsync(topic, cancellation)).Count);
        var refused = await Assert.ThrowsAsync<ClientCallException>(() => context.Driver.CreatePartitionsAsync(topic, 3, cancellation));
        Assert.Equal(InvalidPartitions, refused.Code);
    }

    private static async Task DescribeConfigsAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("configured", cancellation, configs: new() { ["cleanup.policy"] = "compact" });
        var configs = await context.Driver.DescribeConfigsAsync(topic, cancellation);
        Assert.Equal("compact", configs["cleanup.policy"]);
        Assert.Equal("1048588", configs["max.message.bytes"]);
    }

    private static async Task AlterConfigsAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("altered", cancellation, configs: new() { ["segment.ms"] = "777777" });
        await context.Driver.AlterConfigsAsync(topic, Config("retention.ms", "123456"), cancellation);
        var configs = await context.Reference.DescribeConfigsAsync(topic, cancellation);
        Assert.Equal("123456", configs["retention.ms"]);
        Assert.Equal("604800000", configs["segment.ms"]); // what is not named falls back to its default
        var refused = await Assert.ThrowsAsync<ClientCallException>(
            () => context.Driver.AlterConfigsAsync(topic, Config("retention.ms", "soon"), cancellation));
        Assert.Equal(InvalidConfig, refused.Code);
    }

    private static async Task ChangeConfigsAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("changed", cancellation, configs: new() { ["segment.ms"] = "777777" });
        await context.Driver.ChangeConfigsAsync(topic, Config("retention.ms", "123456"), cancellation);
        var configs = await context.Reference.DescribeConfigsAsync(topic, cancellation);
        Assert.Equal("123456", configs["retention.ms"]);
        Assert.Equal("777777", configs["segment.ms"]);
    }

    private static async Task DeleteRecordsAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareRecordsAsync("trimmed", 10, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), cancellation);
        await context.Driver.DeleteRecordsAsync(topic, 0, 4, cancellation);
        Assert.Equal(new(4, 10), await context.Reference.WatermarksAsync(topic, 0, cancellation));
    }

    private static async Task DeleteTopicAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("deleted", cancellation);
        await context.Driver.DeleteTopicAsync(topic, cancellation);
        Assert.DoesNotContain(topic, await context.Reference.ListTopicsAsync(cancellation));
    }

    private static async Task ElectLeadersAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("elected", cancellation);
        var refused = await Assert.ThrowsAsync<ClientCallException>(() => context.Driver.ElectLeaderAsync(topic, 0, cancellation));
        Assert.Equal(ElectionNotNeeded, refused.Code);
    }

    private static async Task ListReassignmentsAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("reassigned", cancellation);
        Assert.Equal(0, await context.Driver.CountReassignmentsAsync(topic, cancellation));
    }

    private static Dictionary<string, string> Config(string name, string value) => new() { [name] = value };
}

using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Warp.Specs.Clients.Matrix;

public sealed partial class ConfluentDriver
{
    public Task<ClusterAnswer> DescribeClusterAsync(CancellationToken cancellation) => CallAsync(async () =>
    {
        var cluster = await _admin.DescribeClusterAsync();
        return new ClusterAnswer(cluster.ClusterId, cluster.Controller.Id, [.. cluster.Nodes.Select(node => node.Id)]);
    });

    public Task CreateTopicAsync(
        string topic, int partitions, IReadOnlyDictionary<string, string> configs, CancellationToken cancellation) =>
        CallAsync(() => _admin.CreateTopicsAsync(
            [new() { Name = topic, NumPartitions = partitions, ReplicationFactor = 1, Configs = new(configs) }]));

    public Task<IReadOnlyList<string>> ListTopicsAsync(CancellationToken cancellation) =>
        CallAsync(() => Task.FromResult<IReadOnlyList<string>>([.. _admin.GetMetadata(_timeout).Topics.Select(topic => topic.Topic)]));

    public Task<IReadOnlyList<PartitionAnswer>> DescribeTopicAsync(string topic, CancellationToken cancellation) => CallAsync(async () =>
    {
        var found = await _admin.DescribeTopicsAsync(TopicCollection.OfTopicNames([topic]));
        var partitions = found.TopicDescriptions.Single().Partitions;
        return (IReadOnlyList<PartitionAnswer>)
        [
            .. partitions.Select(each => new PartitionAnswer(each.Partition, each.Leader.Id, [.. each.Replicas.Select(node => node.Id)])),
        ];
    });

    public Task CreatePartitionsAsync(string topic, int total, CancellationToken cancellation) =>
        CallAsync(() => _admin.CreatePartitionsAsync([new() { Topic = topic, IncreaseTo = total }]));

    public Task<IReadOnlyDictionary<string, string?>> DescribeConfigsAsync(string topic, CancellationToken cancellation) =>
        CallAsync(async () =>
        {
            var found = await _admin.DescribeConfigsAsync([Resource(topic)]);
            return (IReadOnlyDictionary<string, string?>)found[0].Entries.ToDictionary(each => each.Key, each => (string?)each.Value.Value);
        });

    public Task AlterConfigsAsync(string topic, IReadOnlyDictionary<string, string> configs, CancellationToken cancellation) =>
        CallAsync(() => _admin.AlterConfigsAsync(new() { [Resource(topic)] = Entries(configs) }));

    public Task ChangeConfigsAsync(string topic, IReadOnlyDictionary<string, string> configs, CancellationToken cancellation)
    {
        var entries = Entries(configs);
        entries.ForEach(static entry => entry.IncrementalOperation = AlterConfigOpType.Set);
        return CallAsync(() => _admin.IncrementalAlterConfigsAsync(new() { [Resource(topic)] = entries }));
    }

    /// <summary>Sets a config of a broker.</summary>
    public Task SetBrokerConfigAsync(int broker, string name, string value) => CallAsync(() => _admin.IncrementalAlterConfigsAsync(new()
    {
        [new() { Type = ResourceType.Broker, Name = $"{broker}" }] =
            [new() { Name = name, Value = value, IncrementalOperation = AlterConfigOpType.Set }],
    }));

    public Task DeleteRecordsAsync(string topic, int partition, long before, CancellationToken cancellation) =>
        CallAsync(() => _admin.DeleteRecordsAsync([new(topic, partition, before)]));

    public Task DeleteTopicAsync(string topic, CancellationToken cancellation) => CallAsync(() => _admin.DeleteTopicsAsync([topic]));

    public Task ElectLeaderAsync(string topic, int partition, CancellationToken cancellation) =>
        CallAsync(() => _admin.ElectLeadersAsync(ElectionType.Preferred, [new(topic, partition)]));

    private static ConfigResource Resource(string topic) => new() { Type = ResourceType.Topic, Name = topic };

    private static List<ConfigEntry> Entries(IReadOnlyDictionary<string, string> configs) =>
        [.. configs.Select(config => new ConfigEntry { Name = config.Key, Value = config.Value })];
}

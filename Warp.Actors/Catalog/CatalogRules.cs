using Warp.Protocol.Messages;

namespace Warp.Actors.Catalog;

/// <summary>The rules by which topics are made, grown and altered, as Kafka has them. Functions of the image; nothing is changed.</summary>
public static class CatalogRules
{
    /// <summary>The most partitions of one topic. A mistyped count must not fill the journal.</summary>
    public const int MaxPartitions = 100_000;

    /// <summary>The most partitions that one request may make, as in Kafka (KAFKA-17870).</summary>
    public const int MaxPartitionsOfRequest = 10_000;

    /// <summary>
    /// The highest replication factor. The number means nothing here, but every answer about a partition repeats as many node ids.
    /// </summary>
    public const int MaxReplicationFactor = 100;

    /// <summary>The answer to each part of a request that would make more than <see cref="MaxPartitionsOfRequest"/>.</summary>
    public static TopicResult TooManyPartitions { get; } = new(
        ErrorCode.PolicyViolation, $"Excessively large number of partitions: one request can make at most {MaxPartitionsOfRequest}.");

    /// <summary>How many partitions these topics would have in all.</summary>
    public static long PartitionsOf(CatalogImage image, IEnumerable<NewTopic> topics)
    {
        int usual = Default(image.BrokerConfigsOf(CatalogImage.AllNodes), BrokerConfigs.NumPartitions);
        return topics.Sum(topic => Math.Max(0L, topic.Partitions == -1 ? usual : topic.Partitions));
    }

    /// <summary>Decides whether a topic can be made, and with which event.</summary>
    public static (TopicCreated? Event, TopicResult Result) Create(CatalogImage image, NewTopic wanted, Guid newId, DateTimeOffset now)
    {
        if (TopicName.Validate(wanted.Name) is { } fault)
            return (null, new TopicResult(ErrorCode.InvalidTopicException, fault));
        if (image.ByName.ContainsKey(wanted.Name))
            return (null, new TopicResult(ErrorCode.TopicAlreadyExists, $"Topic '{wanted.Name}' already exists."));
        if (Collision(image, wanted.Name) is { } other)
        {
            return (null, new TopicResult(ErrorCode.InvalidTopicException,
                $"Topic '{wanted.Name}' collides with '{other}': '.' and '_' are the same in metric names."));
        }
        BrokerConfigValues broker = image.BrokerConfigsOf(CatalogImage.AllNodes);
        int partitions = wanted.Partitions == -1 ? Default(broker, BrokerConfigs.NumPartitions) : wanted.Partitions;
        if (partitions is < 1 or > MaxPartitions)
            return (null, new TopicResult(ErrorCode.InvalidPartitions, $"A topic has between 1 and {MaxPartitions} partitions, not {partitions}."));
        int replicas = wanted.ReplicationFactor == -1 ? Default(broker, BrokerConfigs.DefaultReplicationFactor) : wanted.ReplicationFactor;
        if (replicas is < 1 or > MaxReplicationFactor)
        {
            return (null, new TopicResult(ErrorCode.InvalidReplicationFactor,
                $"The replication factor must be between 1 and {MaxReplicationFactor}, not {replicas}."));
        }
        ConfigChange configs = TopicConfigs.Replace(wanted.Configs, broker);
        if (configs.Values is null)
            return (null, new TopicResult(configs.ErrorCode, configs.ErrorMessage));

        var created = new TopicCreated
        {
            Time = now.ToUnixTimeMilliseconds(),
            TopicId = newId,
            Name = wanted.Name,
            PartitionCount = partitions,
            ReplicationFactor = (short)replicas,
            Configs = [.. configs.Values.Select(static c => new TopicCreated.TopicCreatedConfig { Name = c.Key, Value = c.Value })],
        };
        return (created, new TopicResult(ErrorCode.None, null, image.Apply(created).ById[newId]));
    }

    /// <summary>Decides whether a topic can grow.</summary>
    public static TopicResult Grow(CatalogImage image, string name, int count)
    {
        if (image.Find(name) is not { } topic)
            return new TopicResult(ErrorCode.UnknownTopicOrPartition, $"There is no topic '{name}'.");
        if (topic.OpenPartitionCount < topic.PartitionCount)
            return new TopicResult(ErrorCode.ReassignmentInProgress, $"Topic '{name}' is being grown to {topic.PartitionCount} partitions; try again.");
        if (count == topic.PartitionCount)
            return new TopicResult(ErrorCode.InvalidPartitions, $"Topic '{name}' already has {count} partition(s).");
        if (count < topic.PartitionCount)
        {
            return new TopicResult(ErrorCode.InvalidPartitions,
                $"Topic '{name}' has {topic.PartitionCount} partition(s), which cannot be reduced to {count}.");
        }
        if (count > MaxPartitions)
            return new TopicResult(ErrorCode.InvalidPartitions, $"A topic has at most {MaxPartitions} partitions, not {count}.");
        return new TopicResult(ErrorCode.None, null, topic);
    }

    /// <summary>Another topic whose name is the same but for '.' and '_', or null.</summary>
    private static string? Collision(CatalogImage image, string name) => name.AsSpan().ContainsAny('.', '_')
        ? image.ByName.Keys.FirstOrDefault(other => TopicName.Collide(name, other))
        : null;

    private static int Default(BrokerConfigValues broker, string config) => int.Parse(
        BrokerConfigValues.Sources.Select(source => broker.Get(source, config)).First(static value => value is not null)!,
        System.Globalization.CultureInfo.InvariantCulture);
}

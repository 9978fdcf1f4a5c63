using System.Collections.Immutable;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Groups;

/// <summary>Sets of partitions, and how they are journaled.</summary>
internal static class PartitionSets
{
    public static readonly ImmutableHashSet<TopicPartition> Empty = [];

    /// <summary>The partitions by topic, always in the same order.</summary>
    public static List<GroupPartitionsRecord> ToRecords(this IEnumerable<TopicPartition> partitions) =>
        [.. partitions.GroupBy(static partition => partition.TopicId).OrderBy(static topic => topic.Key).Select(static topic => new GroupPartitionsRecord
        {
            TopicId = topic.Key,
            Partitions = [.. topic.Select(static partition => partition.Partition).Order()],
        })];

    public static ImmutableHashSet<TopicPartition> Of(IEnumerable<GroupPartitionsRecord> records) =>
        [.. records.SelectMany(static topic => topic.Partitions.Select(partition => new TopicPartition(topic.TopicId, partition)))];
}

using Warp.Actors.Catalog;
using Warp.Actors.Sequencing;
using Warp.Node.Configuration;
using Warp.Node.Control.Reports;
using Warp.Node.Handlers;
using Warp.Node.Hosting;
using Warp.Protocol.Messages;

namespace Warp.Node.Control;

/// <summary>Shows topics and their partitions. Thread-safe.</summary>
internal sealed class TopicQueries(NodeCluster cluster, SequencerQuestions sequencers)
{
    public TopicsReport List() => new([.. Topics.Select(static topic => Report(topic, null))]);

    /// <exception cref="ControlException">There is no such topic.</exception>
    public async Task<TopicsReport> ShowAsync(string name, CancellationToken cancellationToken)
    {
        if (cluster.Published.Current.Find(name) is not { } topic)
        {
            string? nearest = Spelling.Nearest(name, Topics.Select(static topic => topic.Name));
            throw ControlException.NotFound($"There is no topic {name}{(nearest is null ? "; `topics` lists them" : $" (did you mean {nearest}?)")}.");
        }
        TopicPartition[] partitions = [.. Enumerable.Range(0, topic.OpenPartitionCount).Select(i => new TopicPartition(topic.Id, i))];
        LogEnds[] ends = await sequencers.DescribeLogsAsync(partitions, cancellationToken);
        return new TopicsReport([Report(topic, [.. partitions.Zip(ends, Report)])]);
    }

    private IEnumerable<TopicImage> Topics => cluster.Published.Current.ByName.Values.Where(static topic => topic.IsOpen);

    private static TopicReport Report(TopicImage topic, IReadOnlyList<LogReport>? logs) => new(
        topic.Name,
        topic.Id,
        topic.OpenPartitionCount,
        topic.ReplicationFactor,
        DateTimeOffset.FromUnixTimeMilliseconds(topic.CreatedMs),
        topic.Overrides,
        logs);

    private LogReport Report(TopicPartition partition, LogEnds ends)
    {
        int shard = cluster.Region.ShardOf(partition);
        return new LogReport(
            partition.Partition,
            shard,
            cluster.Routes.Homes[shard].Owner?.NodeId,
            ends.LogStartOffset,
            ends.HighWatermark,
            ends.LastStableOffset,
            ends.SizeBytes,
            ends.Error == ErrorCode.None ? null : $"its sequencer does not answer ({ends.Error})");
    }
}

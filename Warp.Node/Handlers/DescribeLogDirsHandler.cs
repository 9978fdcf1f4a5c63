using Warp.Actors.Catalog;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// DescribeLogDirs (KIP-113, KIP-827), versions 0 to 4. The object store is shown as the one log dir of every node. Tools ask all nodes and
/// add up, so each partition is reported by one of them. The store has no size of its own: −1.
/// </summary>
public sealed class DescribeLogDirsHandler(CatalogClient catalog, ClusterView cluster, SequencerQuestions sequencers)
    : ApiHandler<DescribeLogDirsRequest>(ApiKey.DescribeLogDirs, 0, 4)
{
    private const string LogDir = "/object-store";

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeLogDirsRequest request)
    {
        CatalogImage image = catalog.Image;
        IEnumerable<(TopicImage Topic, int Partition)> wanted = request.Topics is null
            ? image.ByName.Values.SelectMany(static topic => Enumerable.Range(0, topic.OpenPartitionCount).Select(i => (topic, i)))
            : request.Topics.SelectMany(asked => Select(image.Find(asked.Topic), asked.Partitions));
        List<(TopicImage Topic, int Partition)> reported =
            [.. wanted.DistinctBy(static entry => (entry.Topic.Id, entry.Partition)).Where(entry => IsReportedHere(entry.Partition))];
        LogEnds[] logs = await sequencers.DescribeLogsAsync(
            [.. reported.Select(static entry => new TopicPartition(entry.Topic.Id, entry.Partition))], context.ConnectionClosed);

        var dir = new DescribeLogDirsResponse.DescribeLogDirsResult { LogDir = LogDir };
        foreach (((TopicImage topic, int partition), LogEnds log) in reported.Zip(logs))
        {
            if (log.Error == ErrorCode.None)
                Add(dir, topic.Name, partition, log.SizeBytes);
            else if (log.Error != ErrorCode.UnknownTopicOrPartition)
                dir.ErrorCode = ErrorCode.KafkaStorageError;
        }
        return new DescribeLogDirsResponse { Results = [dir] };
    }

    private static IEnumerable<(TopicImage Topic, int Partition)> Select(TopicImage? topic, IEnumerable<int> partitions) => topic is null
        ? []
        : partitions.Where(partition => partition >= 0 && partition < topic.OpenPartitionCount).Select(partition => (topic, partition));

    private static void Add(DescribeLogDirsResponse.DescribeLogDirsResult dir, string topic, int partition, long sizeBytes)
    {
        if (dir.Topics.Count == 0 || dir.Topics[^1].Name != topic)
            dir.Topics.Add(new DescribeLogDirsResponse.DescribeLogDirsTopic { Name = topic });
        dir.Topics[^1].Partitions.Add(new DescribeLogDirsResponse.DescribeLogDirsPartition
        {
            PartitionIndex = partition,
            PartitionSize = sizeBytes,
        });
    }

    private bool IsReportedHere(int partition) => cluster.LiveNodes[partition % cluster.LiveNodes.Length].NodeId == cluster.Self.NodeId;
}

using Microsoft.Extensions.Logging;
using Warp.Node.Configuration;
using Warp.Node.Handlers;

namespace Warp.Node.Hosting;

/// <summary>The Kafka APIs that a node serves: one handler each.</summary>
internal static class NodeApis
{
    public static ApiDispatcher Create(NodeOptions options, NodeServices services, HostPort address, TimeProvider time, ILoggerFactory loggers)
    {
        NodeCluster joined = services.Cluster;
        var self = new ClusterNode(joined.Node.NodeId, address.Host, address.Port, options.Node.Zone, options.Node.Group, options.Node.Roles);
        var cluster = new ClusterView(joined.Cluster.ClusterId, self, joined.Membership);
        var catalog = new CatalogClient(
            joined.Catalog, joined.Published, CatchUpAsync, time, loggers.CreateLogger<CatalogClient>());
        IEnumerable<ApiHandler> groups = joined.Peers is { } peers
            ? GroupApis.PassingOn(services.GroupHandlers, new HiddenCoordinators(
                cluster, joined.Groups, peers, loggers.CreateLogger<HiddenCoordinators>(), services.Draining))
            : services.GroupHandlers;
        var sequencers = new SequencerQuestions(joined.Region, loggers.CreateLogger<SequencerQuestions>());
        return new ApiDispatcher(
        [
            new ProduceHandler(joined.Published, services.Intake, services.Pipeline, services.StoreHealth, options.Node.Roles),
            new FetchHandler(joined.Published, services.Planner, options.Node.Roles),
            new ListOffsetsHandler(joined.Published, services.Planner),
            new MetadataHandler(catalog, cluster),
            new CreateTopicsHandler(catalog, cluster),
            new DeleteTopicsHandler(catalog, cluster),
            new CreatePartitionsHandler(catalog, cluster),
            new DescribeConfigsHandler(catalog, cluster),
            new AlterConfigsHandler(catalog, cluster),
            new IncrementalAlterConfigsHandler(catalog, cluster),
            new DeleteRecordsHandler(catalog, joined.Region, loggers.CreateLogger<DeleteRecordsHandler>()),
            new OffsetForLeaderEpochHandler(catalog, sequencers),
            new InitProducerIdHandler(new ProducerIdPool(catalog)),
            new FindCoordinatorHandler(cluster, joined.Groups),
            .. groups,
            new DescribeClusterHandler(cluster),
            new DescribeTopicPartitionsHandler(catalog, cluster),
            new DescribeLogDirsHandler(catalog, cluster, sequencers),
            new DescribeProducersHandler(catalog, sequencers),
            new ElectLeadersHandler(catalog),
            new AlterPartitionReassignmentsHandler(catalog, cluster),
            new ListPartitionReassignmentsHandler(),
            new ListConfigResourcesHandler(catalog, cluster),
            new DescribeClientQuotasHandler(catalog),
            new AlterClientQuotasHandler(catalog),
            new DescribeAclsHandler(),
            new CreateAclsHandler(),
            new DeleteAclsHandler(),
        ]);

        Task CatchUpAsync(CancellationToken cancellationToken) => joined.Replica?.CatchUpAsync(cancellationToken) ?? Task.CompletedTask;
    }
}

using Microsoft.Extensions.Logging;
using Warp.Node.Configuration;
using Warp.Node.Handlers;

namespace Warp.Node.Hosting;

/// <summary>The Kafka APIs that a node serves: one handler each.</summary>
internal static class NodeApis
{
    public static ApiDispatcher Create(NodeOptions options, NodeServices services, HostPort address, TimeProvider time, ILoggerFactory loggers)
    {
        var self = new ClusterNode(
            services.Node.NodeId, address.Host, address.Port, options.Node.Zone, options.Node.Group, options.Node.Roles);
        var cluster = new ClusterView(services.ClusterId, self, services.Membership);
        var catalog = new CatalogClient(services.Catalog, services.Published, time, loggers.CreateLogger<CatalogClient>());
        var groups = new GroupClient(services.Groups, loggers.CreateLogger<GroupClient>());
        var sequencers = new SequencerQuestions(services.Region, loggers.CreateLogger<SequencerQuestions>());
        return new ApiDispatcher(
        [
            new ProduceHandler(services.Published, services.Intake, services.Pipeline, services.StoreHealth, time, options.Node.Roles),
            new FetchHandler(services.Published, services.Planner, options.Node.Roles),
            new ListOffsetsHandler(services.Published, services.Planner),
            new MetadataHandler(catalog, cluster),
            new CreateTopicsHandler(catalog, cluster),
            new DeleteTopicsHandler(catalog, cluster),
            new CreatePartitionsHandler(catalog, cluster),
            new DescribeConfigsHandler(catalog, cluster),
            new AlterConfigsHandler(catalog, cluster),
            new IncrementalAlterConfigsHandler(catalog, cluster),
            new DeleteRecordsHandler(catalog, services.Region, loggers.CreateLogger<DeleteRecordsHandler>()),
            new OffsetForLeaderEpochHandler(catalog, sequencers),
            new InitProducerIdHandler(new ProducerIdPool(catalog)),
            new FindCoordinatorHandler(cluster, services.Groups),
            new JoinGroupHandler(groups),
            new SyncGroupHandler(groups),
            new HeartbeatHandler(groups),
            new LeaveGroupHandler(groups),
            new OffsetCommitHandler(groups, services.Published),
            new OffsetFetchHandler(groups, services.Published),
            new OffsetDeleteHandler(groups, services.Published),
            new ConsumerGroupHeartbeatHandler(groups),
            new ConsumerGroupDescribeHandler(groups, services.Published),
            new ListGroupsHandler(groups),
            new DescribeGroupsHandler(groups),
            new DeleteGroupsHandler(groups),
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
    }
}

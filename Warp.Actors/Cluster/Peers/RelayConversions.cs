using Warp.Actors.Persistence;

namespace Warp.Actors.Cluster.Peers;

/// <summary>What the journal says of the cluster, as nodes tell it each other.</summary>
internal static class RelayConversions
{
    public static RelayHeartbeatResponse ToPeer(Heartbeat heartbeat) => new()
    {
        DatabaseTime = heartbeat.DatabaseTime.ToUnixTimeMilliseconds(),
        IsCurrent = heartbeat.IsCurrent,
        Nodes =
        [
            .. heartbeat.Nodes.Select(ToPeer),
        ],
        Shards =
        [
            .. heartbeat.Shards.Select(static shard => new RelayHeartbeatResponse.RelayedShard
            {
                ShardId = shard.ShardId,
                Epoch = shard.Epoch,
                OwnerNode = shard.Owner?.NodeId ?? -1,
                OwnerIncarnation = shard.Owner?.Incarnation ?? -1,
                LeaseUntil = shard.LeaseUntil.ToUnixTimeMilliseconds(),
                AssignedNode = shard.AssignedNode ?? -1,
            }),
        ],
        FeatureLevel = heartbeat.FeatureLevel,
    };

    public static Heartbeat FromPeer(RelayHeartbeatResponse response) => new(
        DateTimeOffset.FromUnixTimeMilliseconds(response.DatabaseTime),
        response.IsCurrent,
        [],
        [
            .. response.Nodes.Select(FromPeer),
        ],
        [
            .. response.Shards.Select(static shard => new ShardRow(
                shard.ShardId,
                shard.Epoch,
                shard.OwnerNode < 0 ? null : new NodeIncarnation(shard.OwnerNode, shard.OwnerIncarnation),
                DateTimeOffset.FromUnixTimeMilliseconds(shard.LeaseUntil),
                shard.AssignedNode < 0 ? null : shard.AssignedNode)),
        ],
        response.FeatureLevel);

    public static RelayedNode ToPeer(NodeRow node) => new()
    {
        NodeId = node.Node.NodeId,
        Incarnation = node.Node.Incarnation,
        Description = ToPeer(node.Description),
        HeartbeatAt = node.HeartbeatAt.ToUnixTimeMilliseconds(),
        IsDraining = node.IsDraining,
        Unreached = [.. node.Status.Unreached],
    };

    public static NodeRow FromPeer(RelayedNode node) => new(
        new NodeIncarnation(node.NodeId, node.Incarnation),
        FromPeer(node.Description),
        DateTimeOffset.FromUnixTimeMilliseconds(node.HeartbeatAt),
        new NodeStatus(node.IsDraining, node.Unreached));

    public static RelayedDescription ToPeer(NodeDescription says) => new()
    {
        KafkaHost = says.Kafka.Host,
        KafkaPort = says.Kafka.Port,
        RpcHost = says.Rpc.Host,
        RpcPort = says.Rpc.Port,
        HttpHost = says.Http.Host,
        HttpPort = says.Http.Port,
        Zone = says.Zone,
        Group = says.Group,
        Roles = says.Roles,
        Version = says.Version,
        FeatureLevel = says.FeatureLevel,
    };

    public static NodeDescription FromPeer(RelayedDescription says) => new(
        new NodeAddress(says.KafkaHost, says.KafkaPort),
        new NodeAddress(says.RpcHost, says.RpcPort),
        new NodeAddress(says.HttpHost, says.HttpPort),
        says.Zone,
        says.Group,
        says.Roles,
        says.Version,
        says.FeatureLevel);
}

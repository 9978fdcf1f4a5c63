using Microsoft.Data.Sqlite;
using Warp.Actors.Cluster;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// Membership of a cluster of one: who has the file's lock is the only process there is, so no address is ever in use by another, and a
/// takeover never waits for a lease. Leases are noted all the same, for whoever reads the rows.
/// </summary>
public sealed partial class SqliteJournal
{
    private const string Owned = "shard_id = $0 AND epoch = $1 AND owner_node = $2 AND owner_incarnation = $3";

    public async ValueTask<NodeIncarnation> RegisterNodeAsync(
        NodeRegistration node, TimeSpan lease, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection => SqliteSchema.InTransaction(connection, () =>
        {
            NodeDescription says = node.Description;
            int used = ReadFeatureLevel(connection);
            if (used > says.FeatureLevel)
                throw new FeatureLevelException(used, says.FeatureLevel);
            // Without an id: the row with its address, or the only one, or the next number.
            using var known = new SqlStatement(connection,
                """
                SELECT ifnull(
                  (SELECT node_id FROM node WHERE kafka_host = $0 AND kafka_port = $1 ORDER BY incarnation DESC LIMIT 1),
                  (SELECT CASE WHEN count(*) = 1 THEN max(node_id) ELSE ifnull(max(node_id), 0) + 1 END FROM node))
                """, 2);
            int id = node.NodeId ?? (int)(long)known.Scalar(says.Kafka.Host, says.Kafka.Port)!;
            using var next = new SqlStatement(connection,
                "UPDATE cluster SET last_incarnation = last_incarnation + 1 RETURNING last_incarnation", 0);
            long incarnation = (long)next.Scalar()!;
            using var register = new SqlStatement(connection,
                """
                INSERT OR REPLACE INTO node (node_id, incarnation, heartbeat_at, kafka_host, kafka_port, rpc_host, rpc_port, http_host,
                  http_port, zone, node_group, roles, version, feature_level, draining)
                VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0)
                """, 14);
            // Who has the file's lock is alone: whoever else was there is dead.
            using var end = new SqlStatement(connection, "UPDATE node SET heartbeat_at = -heartbeat_at WHERE node_id <> $0 AND heartbeat_at > 0", 1);
            end.Execute(id);
            using var free = new SqlStatement(connection, "UPDATE shard SET lease_until = 0", 0);
            free.Execute();
            register.Execute(id, incarnation, Now().ToUnixTimeMilliseconds(), says.Kafka.Host, says.Kafka.Port, says.Rpc.Host, says.Rpc.Port,
                says.Http.Host, says.Http.Port, says.Zone, says.Group, says.Roles, says.Version, says.FeatureLevel);
            return new NodeIncarnation(id, incarnation);
        }));

    public async ValueTask<IReadOnlyList<Fence>> TakeOverAsync(
        NodeIncarnation node, IReadOnlyList<int> shards, TimeSpan lease, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection => SqliteSchema.InTransaction(connection, () =>
        {
            using var take = new SqlStatement(connection,
                """
                INSERT INTO shard (shard_id, epoch, owner_node, owner_incarnation, lease_until) SELECT $0, 1, $1, $2, $3
                WHERE EXISTS (SELECT 1 FROM node WHERE node_id = $1 AND incarnation = $2)
                ON CONFLICT (shard_id) DO UPDATE SET epoch = epoch + 1, owner_node = excluded.owner_node,
                  owner_incarnation = excluded.owner_incarnation, lease_until = excluded.lease_until
                WHERE assigned_node IS NULL OR assigned_node = excluded.owner_node
                  OR (owner_node = excluded.owner_node AND owner_incarnation = excluded.owner_incarnation)
                RETURNING epoch
                """, 4);
            long until = (Now() + lease).ToUnixTimeMilliseconds();
            var taken = new List<Fence>(shards.Count);
            foreach (int shard in shards)
            {
                if (take.Scalar(shard, node.NodeId, node.Incarnation, until) is long epoch)
                    taken.Add(new Fence(shard, epoch));
            }
            return taken;
        }));

    public async ValueTask<Heartbeat> HeartbeatAsync(
        NodeIncarnation node, NodeStatus status, IReadOnlyList<Fence> held, TimeSpan lease, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection => SqliteSchema.InTransaction(connection, () =>
        {
            DateTimeOffset now = Now();
            using var beat = new SqlStatement(connection,
                "UPDATE node SET heartbeat_at = $2, draining = $3, unreached = $4 WHERE node_id = $0 AND incarnation = $1", 5);
            bool isCurrent = beat.Execute(node.NodeId, node.Incarnation, now.ToUnixTimeMilliseconds(), status.IsDraining ? 1 : 0,
                SqlNodeIds.Join(status.Unreached)) == 1;
            using var renew = new SqlStatement(connection, $"UPDATE shard SET lease_until = $4 WHERE {Owned}", 5);
            long until = (now + lease).ToUnixTimeMilliseconds();
            List<Fence> renewed =
                [.. held.Where(fence => isCurrent && renew.Execute(fence.ShardId, fence.Epoch, node.NodeId, node.Incarnation, until) == 1)];
            return new Heartbeat(now, isCurrent, renewed, ReadNodes(connection), ReadShards(connection), ReadFeatureLevel(connection));
        }));

    public async ValueTask ReleaseAsync(NodeIncarnation node, IReadOnlyList<Fence> held, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection => SqliteSchema.InTransaction(connection, () =>
        {
            using var release = new SqlStatement(connection,
                $"UPDATE shard SET owner_node = NULL, owner_incarnation = NULL, lease_until = 0 WHERE {Owned}", 4);
            return held.Count(fence => release.Execute(fence.ShardId, fence.Epoch, node.NodeId, node.Incarnation) == 1);
        }));

    public async ValueTask DepartAsync(NodeIncarnation node, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection =>
        {
            using var depart = new SqlStatement(connection, "UPDATE node SET heartbeat_at = $2 WHERE node_id = $0 AND incarnation = $1", 3);
            return depart.Execute(node.NodeId, node.Incarnation, -Now().ToUnixTimeMilliseconds());
        });

    public async ValueTask<bool> AssignShardsAsync(
        Fence coordinator, IReadOnlyList<ShardAssignment> assignments, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection => SqliteSchema.InTransaction(connection, () =>
        {
            if (!_appender.Holds(coordinator))
                return false;
            using var assign = new SqlStatement(connection,
                """
                INSERT INTO shard (shard_id, epoch, lease_until, assigned_node) VALUES ($0, 0, 0, $1)
                ON CONFLICT (shard_id) DO UPDATE SET assigned_node = excluded.assigned_node
                """, 2);
            foreach (ShardAssignment assignment in assignments)
                assign.Execute(assignment.ShardId, assignment.NodeId);
            return true;
        }));

    public async ValueTask<bool> RemoveNodeAsync(NodeIncarnation node, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection =>
        {
            using var remove = new SqlStatement(connection, "DELETE FROM node WHERE node_id = $0 AND incarnation = $1", 2);
            return remove.Execute(node.NodeId, node.Incarnation) == 1;
        });

    public async ValueTask<bool> RaiseFeatureLevelAsync(Fence coordinator, int level, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection => SqliteSchema.InTransaction(connection, () =>
        {
            using var raise = new SqlStatement(connection,
                $"""
                UPDATE cluster SET feature_level = max(feature_level, $2)
                WHERE {WhileFenced} AND NOT EXISTS (SELECT 1 FROM node WHERE feature_level < $2 AND heartbeat_at > 0)
                """, 3);
            return raise.Execute(coordinator.ShardId, coordinator.Epoch, level) == 1;
        }));

    private static int ReadFeatureLevel(SqliteConnection connection)
    {
        using var statement = new SqlStatement(connection, "SELECT feature_level FROM cluster", 0);
        return (int)(long)statement.Scalar()!;
    }

    private static List<NodeRow> ReadNodes(SqliteConnection connection)
    {
        using var statement = new SqlStatement(connection,
            """
            SELECT node_id, incarnation, heartbeat_at, kafka_host, kafka_port, rpc_host, rpc_port, http_host, http_port, zone, node_group,
              roles, version, feature_level, draining, unreached FROM node ORDER BY node_id
            """, 0);
        var nodes = new List<NodeRow>();
        using SqliteDataReader row = statement.Query();
        while (row.Read())
        {
            var description = new NodeDescription(
                Address(3), Address(5), Address(7), row.GetString(9), row.GetString(10), row.GetInt32(11), row.GetString(12), row.GetInt32(13));
            nodes.Add(new NodeRow(
                new NodeIncarnation(row.GetInt32(0), row.GetInt64(1)),
                description,
                DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2)),
                new NodeStatus(row.GetBoolean(14), SqlNodeIds.Split(row.GetString(15)))));
        }
        return nodes;

        NodeAddress Address(int column) => new(row.GetString(column), row.GetInt32(column + 1));
    }

    private static List<ShardRow> ReadShards(SqliteConnection connection)
    {
        using var statement = new SqlStatement(connection,
            "SELECT shard_id, epoch, owner_node, owner_incarnation, lease_until, assigned_node FROM shard ORDER BY shard_id", 0);
        var shards = new List<ShardRow>();
        using SqliteDataReader row = statement.Query();
        while (row.Read())
        {
            shards.Add(new ShardRow(
                row.GetInt32(0),
                row.GetInt64(1),
                row.IsDBNull(2) ? null : new NodeIncarnation(row.GetInt32(2), row.GetInt64(3)),
                DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(4)),
                row.IsDBNull(5) ? null : row.GetInt32(5)));
        }
        return shards;
    }
}

using Npgsql;
using Warp.Actors.Cluster;
using static Warp.Actors.Persistence.Sql.PostgresParameter;

namespace Warp.Actors.Persistence.Sql;

/// <summary>Who is there, who owns what, and where it should be.</summary>
public sealed partial class PostgresJournal
{
    private const string NodeColumns = """
        node_id, incarnation, heartbeat_at, kafka_host, kafka_port, rpc_host, rpc_port, http_host, http_port, zone, node_group, roles,
        version, feature_level, draining, unreached
        """;

    private const string NoTime = "to_timestamp(0)";

    public async ValueTask<NodeIncarnation> RegisterNodeAsync(
        NodeRegistration node, TimeSpan lease, CancellationToken cancellationToken)
    {
        NodeDescription says = node.Description;
        while (true)
        {
            // Registrations take turns by the counter of incarnations: one whose view of the nodes is older than the one before it does
            // nothing and looks again. An id of which a shard still knows is not free: its leases may be in use.
            List<(NodeIncarnation? Registered, NodeRow? Holder, DateTimeOffset Now, int FeatureLevel)> rows = await _connections.QueryAsync(
                $"""
                WITH seen AS MATERIALIZED (
                  SELECT last_incarnation, feature_level FROM cluster WHERE id = 1
                ), holder AS MATERIALIZED (
                  SELECT {NodeColumns} FROM node
                  WHERE heartbeat_at > clock_timestamp() - $14 AND (node_id <> $15 OR incarnation <> $16)
                    AND ((kafka_host = $2 AND kafka_port = $3) OR (rpc_host = $4 AND rpc_port = $5))
                  ORDER BY heartbeat_at DESC LIMIT 1
                ), turn AS (
                  UPDATE cluster SET last_incarnation = cluster.last_incarnation + 1
                  WHERE id = 1 AND last_incarnation = (SELECT seen.last_incarnation FROM seen) AND feature_level <= $12
                    AND NOT EXISTS (SELECT 1 FROM holder)
                  RETURNING last_incarnation
                ), registered AS (
                  INSERT INTO node ({NodeColumns})
                  SELECT
                    coalesce(
                      $1,
                      (SELECT n.node_id FROM node n WHERE n.kafka_host = $2 AND n.kafka_port = $3 ORDER BY n.incarnation DESC LIMIT 1),
                      (SELECT min(free.id) FROM (
                          SELECT 1 AS id
                          UNION SELECT n.node_id + 1 FROM node n WHERE n.node_id < 2147483647
                          UNION SELECT s.owner_node + 1 FROM shard s WHERE s.owner_node < 2147483647) AS free
                        WHERE free.id > 0 AND free.id NOT IN (SELECT n.node_id FROM node n)
                          AND NOT EXISTS (SELECT 1 FROM shard s WHERE s.owner_node = free.id))),
                    turn.last_incarnation, clock_timestamp(), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, ''
                  FROM turn
                  ON CONFLICT (node_id) DO UPDATE SET
                    incarnation = excluded.incarnation, heartbeat_at = excluded.heartbeat_at, kafka_host = excluded.kafka_host,
                    kafka_port = excluded.kafka_port, rpc_host = excluded.rpc_host, rpc_port = excluded.rpc_port,
                    http_host = excluded.http_host, http_port = excluded.http_port, zone = excluded.zone,
                    node_group = excluded.node_group, roles = excluded.roles, version = excluded.version,
                    feature_level = excluded.feature_level, draining = excluded.draining, unreached = excluded.unreached
                  RETURNING node_id, incarnation
                ), reached AS (
                  UPDATE node n SET unreached = trim(',' FROM replace(',' || n.unreached || ',', ',' || r.node_id || ',', ','))
                  FROM registered r WHERE n.node_id <> r.node_id AND position(',' || r.node_id || ',' IN ',' || n.unreached || ',') > 0
                )
                SELECT r.node_id AS id, r.incarnation AS number, clock_timestamp() AS now, seen.feature_level AS used, h.*
                FROM seen LEFT JOIN registered r ON TRUE LEFT JOIN holder h ON TRUE
                """,
                static row => (
                    row.IsDBNull(0) ? (NodeIncarnation?)null : new NodeIncarnation(row.GetInt32(0), row.GetInt64(1)),
                    row.IsDBNull(4) ? null : ReadNode(row, 4),
                    row.GetFieldValue<DateTimeOffset>(2),
                    row.GetInt32(3)),
                cancellationToken,
                Of(node.NodeId), Of(says.Kafka.Host), Of(says.Kafka.Port), Of(says.Rpc.Host), Of(says.Rpc.Port), Of(says.Http.Host),
                Of(says.Http.Port), Of(says.Zone), Of(says.Group), Of(says.Roles), Of(says.Version), Of(says.FeatureLevel), Of(false),
                Of(lease), Of(node.Predecessor?.NodeId ?? -1), Of(node.Predecessor?.Incarnation ?? -1));
            if (rows[0].Registered is { } registered)
                return registered;
            if (rows[0].FeatureLevel > says.FeatureLevel)
                throw new FeatureLevelException(rows[0].FeatureLevel, says.FeatureLevel);
            if (rows[0].Holder is { } holder)
            {
                NodeAddress address = holder.Description.Kafka == says.Kafka ? says.Kafka : says.Rpc;
                throw new AddressInUseException(address, holder, rows[0].Now - holder.HeartbeatAt);
            }
        }
    }

    public async ValueTask<IReadOnlyList<Fence>> TakeOverAsync(
        NodeIncarnation node, IReadOnlyList<int> shards, TimeSpan lease, CancellationToken cancellationToken)
    {
        // An upsert meets the newest version of a row, whatever the statement has seen, and holds it from then on.
        List<Fence> taken = await _connections.QueryAsync(
            """
            WITH me AS MATERIALIZED (
              SELECT node_id, incarnation FROM node WHERE node_id = $1 AND incarnation = $2 FOR UPDATE
            )
            INSERT INTO shard AS s (shard_id, epoch, owner_node, owner_incarnation, lease_until)
            SELECT w.shard_id, 1, me.node_id, me.incarnation, clock_timestamp() + $4
            FROM me CROSS JOIN unnest($3::INT[]) AS w (shard_id) ORDER BY w.shard_id
            ON CONFLICT (shard_id) DO UPDATE SET
              epoch = s.epoch + 1, owner_node = excluded.owner_node, owner_incarnation = excluded.owner_incarnation,
              lease_until = clock_timestamp() + $4
            WHERE (s.owner_node = excluded.owner_node AND s.owner_incarnation = excluded.owner_incarnation)
              OR ((s.assigned_node IS NULL OR s.assigned_node = excluded.owner_node)
                AND (s.owner_node IS NULL OR s.lease_until <= clock_timestamp()
                  OR (s.owner_node = excluded.owner_node AND s.owner_incarnation < excluded.owner_incarnation)))
            RETURNING s.shard_id, s.epoch
            """,
            static row => new Fence(row.GetInt32(0), row.GetInt64(1)),
            cancellationToken,
            Of(node.NodeId), Of(node.Incarnation), Of(shards.Distinct().ToArray()), Of(lease));
        return InOrder(shards, taken, static fence => fence.ShardId);
    }

    public async ValueTask<Heartbeat> HeartbeatAsync(
        NodeIncarnation node, NodeStatus status, IReadOnlyList<Fence> held, TimeSpan lease, CancellationToken cancellationToken)
    {
        // What the statement itself changes it does not see in the tables, only in what its parts return.
        List<HeartbeatPart> parts = await _connections.QueryAsync(
            $"""
            WITH me AS (
              UPDATE node SET heartbeat_at = clock_timestamp(), draining = $3, unreached = coalesce((
                SELECT string_agg(o.node_id::TEXT, ',' ORDER BY o.node_id) FROM node o WHERE o.node_id = ANY ($7) AND o.incarnation <= $8), '')
              WHERE node_id = $1 AND incarnation = $2 RETURNING node_id, heartbeat_at, unreached
            ), held AS MATERIALIZED (
              SELECT shard_id FROM shard WHERE shard_id = ANY ($4) AND EXISTS (SELECT 1 FROM me) ORDER BY shard_id FOR UPDATE
            ), renewed AS (
              UPDATE shard s SET lease_until = clock_timestamp() + $6
              FROM unnest($4::INT[], $5::BIGINT[]) AS f (shard_id, epoch) JOIN held h ON h.shard_id = f.shard_id
              WHERE s.shard_id = f.shard_id AND s.epoch = f.epoch AND s.owner_node = $1 AND s.owner_incarnation = $2
              RETURNING s.shard_id, s.epoch, s.lease_until
            )
            SELECT 0 AS part, r.shard_id, s.shard_id, s.epoch, s.owner_node, s.owner_incarnation, s.assigned_node,
              coalesce(r.lease_until, s.lease_until), NULL::TIMESTAMPTZ, NULL::TEXT, NULL::INT, NULL::TEXT, NULL::INT, NULL::TEXT, NULL::INT,
              NULL::TEXT, NULL::TEXT, NULL::INT, NULL::TEXT, NULL::INT, NULL::BOOLEAN, NULL::TEXT
            FROM shard s LEFT JOIN renewed r ON r.shard_id = s.shard_id AND r.epoch = s.epoch
            UNION ALL
            SELECT 1, NULL, n.node_id, n.incarnation, NULL, NULL, NULL, NULL, coalesce(me.heartbeat_at, n.heartbeat_at), n.kafka_host,
              n.kafka_port, n.rpc_host, n.rpc_port, n.http_host, n.http_port, n.zone, n.node_group, n.roles, n.version, n.feature_level,
              CASE WHEN me.node_id IS NULL THEN n.draining ELSE $3 END, coalesce(me.unreached, n.unreached)
            FROM node n LEFT JOIN me ON me.node_id = n.node_id
            UNION ALL
            SELECT 2, (SELECT count(*)::INT FROM me), (SELECT feature_level FROM cluster WHERE id = 1), NULL, NULL, NULL, NULL, clock_timestamp(), NULL, NULL, NULL, NULL, NULL, NULL,
              NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            ORDER BY 1, 3
            """,
            ReadPart,
            cancellationToken,
            Of(node.NodeId), Of(node.Incarnation), Of(status.IsDraining), Of(held.Select(static fence => fence.ShardId).ToArray()),
            Of(held.Select(static fence => fence.Epoch).ToArray()), Of(lease), Of(status.Unreached.ToArray()), Of(status.KnownIncarnation));
        var renewed = parts.Where(static part => part.IsRenewed).Select(static part => new Fence(part.Shard!.ShardId, part.Shard.Epoch)).ToHashSet();
        return new Heartbeat(
            parts[^1].Now,
            parts[^1].IsCurrent,
            [.. held.Where(renewed.Contains)],
            [.. parts.Select(static part => part.Node).OfType<NodeRow>()],
            [.. parts.Select(static part => part.Shard).OfType<ShardRow>()],
            parts[^1].FeatureLevel);
    }

    public async ValueTask ReleaseAsync(NodeIncarnation node, IReadOnlyList<Fence> held, CancellationToken cancellationToken) =>
        await ExecuteAsync(
            $"""
            WITH held AS MATERIALIZED (
              SELECT shard_id FROM shard WHERE shard_id = ANY ($3) ORDER BY shard_id FOR UPDATE
            )
            UPDATE shard s SET owner_node = NULL, owner_incarnation = NULL, lease_until = {NoTime}
            FROM unnest($3::INT[], $4::BIGINT[]) AS f (shard_id, epoch) JOIN held h ON h.shard_id = f.shard_id
            WHERE s.shard_id = f.shard_id AND s.epoch = f.epoch AND s.owner_node = $1 AND s.owner_incarnation = $2
            """,
            cancellationToken,
            Of(node.NodeId), Of(node.Incarnation), Of(held.Select(static fence => fence.ShardId).ToArray()),
            Of(held.Select(static fence => fence.Epoch).ToArray()));

    public async ValueTask DepartAsync(NodeIncarnation node, CancellationToken cancellationToken) =>
        await ExecuteAsync(
            """
            UPDATE node SET heartbeat_at = to_timestamp(-extract(epoch FROM clock_timestamp())::FLOAT8)
            WHERE node_id = $1 AND incarnation = $2
            """,
            cancellationToken, Of(node.NodeId), Of(node.Incarnation));

    public async ValueTask<bool> AssignShardsAsync(
        Fence coordinator, IReadOnlyList<ShardAssignment> assignments, CancellationToken cancellationToken)
    {
        // All rows are locked in one order, the coordinator's among them.
        List<bool> stood = await _connections.QueryAsync(
            $"""
            WITH held AS MATERIALIZED (
              SELECT shard_id, epoch, lease_until FROM shard WHERE shard_id = $1 OR shard_id = ANY ($3) ORDER BY shard_id FOR UPDATE
            ), fence AS MATERIALIZED (
              SELECT 1 FROM held WHERE shard_id = $1 AND epoch = $2 AND lease_until > clock_timestamp()
            ), assigned AS (
              INSERT INTO shard (shard_id, epoch, lease_until, assigned_node)
              SELECT a.shard_id, 0, {NoTime}, a.node_id FROM unnest($3::INT[], $4::INT[]) AS a (shard_id, node_id)
              WHERE {WhileFenced} ORDER BY a.shard_id
              ON CONFLICT (shard_id) DO UPDATE SET assigned_node = excluded.assigned_node
            )
            SELECT {WhileFenced}
            """,
            static row => row.GetBoolean(0),
            cancellationToken,
            Of(coordinator.ShardId), Of(coordinator.Epoch), Of(assignments.Select(static a => a.ShardId).ToArray()),
            Of(assignments.Select(static a => a.NodeId).ToArray()));
        return stood[0];
    }

    public async ValueTask<bool> RemoveNodeAsync(NodeIncarnation node, CancellationToken cancellationToken)
    {
        List<int> removed = await _connections.QueryAsync(
            "DELETE FROM node WHERE node_id = $1 AND incarnation = $2 RETURNING node_id",
            static row => row.GetInt32(0),
            cancellationToken,
            Of(node.NodeId), Of(node.Incarnation));
        return removed.Count == 1;
    }

    public async ValueTask<bool> RaiseFeatureLevelAsync(Fence coordinator, int level, CancellationToken cancellationToken)
    {
        // It takes its turn with the registrations: none has come after the look at the nodes, and the next one sees the level.
        List<int> raised = await _connections.QueryAsync(
            $"""
            WITH seen AS MATERIALIZED (
              SELECT last_incarnation FROM cluster WHERE id = 1
            ), behind AS MATERIALIZED (
              SELECT 1 FROM node WHERE feature_level < $3 AND heartbeat_at > {NoTime}
            ), cluster_first AS MATERIALIZED (
              SELECT count(*) FROM (
                SELECT 1 FROM cluster WHERE id = 1 AND last_incarnation = (SELECT seen.last_incarnation FROM seen) FOR UPDATE) AS locked
            ), fence AS MATERIALIZED (
              SELECT 1 FROM shard WHERE shard_id = $1 AND epoch = $2 AND lease_until > clock_timestamp()
                AND (SELECT count FROM cluster_first) = 1 FOR UPDATE
            )
            UPDATE cluster SET feature_level = greatest(feature_level, $3)
            WHERE id = 1 AND {WhileFenced} AND NOT EXISTS (SELECT 1 FROM behind) RETURNING feature_level
            """,
            static row => row.GetInt32(0),
            cancellationToken,
            Of(coordinator.ShardId), Of(coordinator.Epoch), Of(level));
        return raised.Count == 1;
    }

    private static HeartbeatPart ReadPart(NpgsqlDataReader row)
    {
        switch (row.GetInt32(0))
        {
            case 0:
                var shard = new ShardRow(
                    row.GetInt32(2),
                    row.GetInt64(3),
                    row.IsDBNull(4) ? null : new NodeIncarnation(row.GetInt32(4), row.GetInt64(5)),
                    row.GetFieldValue<DateTimeOffset>(7),
                    row.IsDBNull(6) ? null : row.GetInt32(6));
                return new HeartbeatPart(shard, !row.IsDBNull(1), null, default, false, 0);
            case 1:
                var node = new NodeRow(
                    new NodeIncarnation(row.GetInt32(2), row.GetInt64(3)),
                    ReadDescription(row, 9),
                    row.GetFieldValue<DateTimeOffset>(8),
                    new NodeStatus(row.GetBoolean(20), SqlNodeIds.Split(row.GetString(21))));
                return new HeartbeatPart(null, false, node, default, false, 0);
            default:
                return new HeartbeatPart(null, false, null, row.GetFieldValue<DateTimeOffset>(7), row.GetInt32(1) == 1, row.GetInt32(2));
        }
    }

    private static NodeRow ReadNode(NpgsqlDataReader row, int column) => new(
        new NodeIncarnation(row.GetInt32(column), row.GetInt64(column + 1)),
        ReadDescription(row, column + 3),
        row.GetFieldValue<DateTimeOffset>(column + 2),
        new NodeStatus(row.GetBoolean(column + 14), SqlNodeIds.Split(row.GetString(column + 15))));

    private static NodeDescription ReadDescription(NpgsqlDataReader row, int column)
    {
        return new NodeDescription(
            Address(0), Address(2), Address(4), row.GetString(column + 6), row.GetString(column + 7), row.GetInt32(column + 8),
            row.GetString(column + 9), row.GetInt32(column + 10));

        NodeAddress Address(int offset) => new(row.GetString(column + offset), row.GetInt32(column + offset + 1));
    }

    /// <summary>Rows in the order of the keys that were asked for; a database answers in any.</summary>
    private static List<T> InOrder<TKey, T>(IReadOnlyList<TKey> keys, List<T> rows, Func<T, TKey> keyOf)
        where TKey : notnull
    {
        Dictionary<TKey, T> byKey = rows.ToDictionary(keyOf);
        var ordered = new List<T>(rows.Count);
        foreach (TKey key in keys)
        {
            if (byKey.Remove(key, out T? row))
                ordered.Add(row);
        }
        return ordered;
    }

    /// <summary>A row of the answer to a heartbeat: a shard, a node, or at the end what it says of itself.</summary>
    private readonly record struct HeartbeatPart(ShardRow? Shard, bool IsRenewed, NodeRow? Node, DateTimeOffset Now, bool IsCurrent, int FeatureLevel);
}

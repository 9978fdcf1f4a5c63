using Warp.Actors.Cluster;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;
using Warp.Node.Configuration;
using Warp.Node.Control.Reports;
using Warp.Node.Hosting;

namespace Warp.Node.Control;

/// <summary>Shows the nodes of the cluster, and has them drain, leave and go. Thread-safe.</summary>
/// <param name="cluster">This node's part in it.</param>
/// <param name="times">How long nodes are taken to be alive.</param>
/// <param name="leave">Has this node's process drain and end, for good.</param>
internal sealed class ClusterControl(NodeCluster cluster, TimeConstants times, Action leave)
{
    private static readonly TimeSpan s_call = TimeSpan.FromSeconds(10);

    /// <summary>How long a node's shards may take to move. It is a matter of a second or two.</summary>
    private static readonly TimeSpan s_moving = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);

    public async Task<ClusterReport> ShowAsync(CancellationToken cancellationToken)
    {
        ClusterSight sight = await LookAsync(cancellationToken);
        return new ClusterReport(
            cluster.Cluster.ClusterId,
            cluster.Node.NodeId,
            sight.Shards.GetValueOrDefault(ShardIds.Coordinator)?.Owner?.NodeId,
            sight.Problem,
            sight.Members.FeatureLevel,
            [.. sight.Members.Nodes.OrderBy(static row => row.Node.NodeId).Select(row => Report(sight, row))]);
    }

    /// <summary>Has a node give up its shards; it goes on serving until it is told to stop.</summary>
    public async Task<DoneReport> DrainAsync(int nodeId, CancellationToken cancellationToken)
    {
        (NodeRow node, int moved) = await EmptyAsync(nodeId, cancellationToken);
        return new DoneReport(
            $"Node {node.Node.NodeId} is drained: {moved} shards have moved. It serves on until it is stopped; `cluster undrain` takes it back.");
    }

    /// <summary>Has a node that drains take part again.</summary>
    public async Task<DoneReport> UndrainAsync(int nodeId, CancellationToken cancellationToken)
    {
        NodeRow node = (await LookAsync(cancellationToken)).FindLive(nodeId);
        await SetDrainingAsync(node.Node, false, cancellationToken);
        return new DoneReport($"Node {nodeId} takes part again; it gets its share of the shards within moments.");
    }

    /// <summary>Has a node drain and end its process; its row goes.</summary>
    public async Task<DoneReport> LeaveAsync(int nodeId, CancellationToken cancellationToken)
    {
        (NodeRow node, int moved) = await EmptyAsync(nodeId, cancellationToken);
        if (node.Node == cluster.Node)
        {
            leave();
            return new DoneReport($"Node {nodeId} leaves: {moved} shards have moved, and its process ends now.");
        }
        await CallAsync<LeaveClusterResponse>(node.Node, new LeaveClusterRequest(), cancellationToken);
        bool isGone = await WaitAsync(
            sight => sight.Members.Nodes.All(row => row.Node != node.Node), times.Drain * 2 + s_call, cancellationToken);
        return isGone
            ? new DoneReport($"Node {nodeId} has left: {moved} shards have moved, and its process has ended.")
            : throw ControlException.Unavailable($"Node {nodeId} has no shards any more, but its process has not ended yet; look at its log.");
    }

    /// <summary>Removes the row of a dead node.</summary>
    /// <param name="nodeId">The node.</param>
    /// <param name="force">Whether to remove it even if it lives. It stops when it notices.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<DoneReport> DownAsync(int nodeId, bool force, CancellationToken cancellationToken)
    {
        ClusterSight sight = await LookAsync(cancellationToken);
        NodeRow node = sight.Find(nodeId);
        bool isAlive = sight.Members.Find(node.Node) is not null;
        if (isAlive && !force)
        {
            throw ControlException.Refused(
                $"Node {nodeId} is alive: it was heard of {(sight.Now - node.HeartbeatAt).TotalSeconds:F1} s ago. Have it drain or leave; --force "
                + "removes it all the same, and it stops as soon as it notices.");
        }
        if (!await cluster.Journal.RemoveNodeAsync(node.Node, cancellationToken))
            throw ControlException.Refused($"Node {nodeId} was started again just now; nothing was removed.");
        await cluster.Leases.RenewAsync(cancellationToken);
        cluster.Peers?.Nudge(sight.Members);
        TimeSpan lease = sight.Shards.Values.Where(row => row.Owner == node.Node).Select(row => row.LeaseUntil - sight.Now)
            .DefaultIfEmpty(TimeSpan.Zero).Max();
        return new DoneReport(lease > TimeSpan.Zero
            ? $"Node {nodeId} was removed. Others take its shards when its leases run out, in {lease.TotalSeconds:F0} s at the latest."
            : $"Node {nodeId} was removed.");
    }

    /// <summary>Sets this node's own flag.</summary>
    public Task<int> SetOwnDrainingAsync(bool isDraining, CancellationToken cancellationToken) => cluster.Member.AskAsync<int>(
        reply => new MemberMessage.SetDraining(isDraining, reply), s_call, cancellationToken);

    private async Task<(NodeRow Node, int Moved)> EmptyAsync(int nodeId, CancellationToken cancellationToken)
    {
        ClusterSight sight = await LookAsync(cancellationToken);
        NodeRow node = sight.FindLive(nodeId);
        if (!sight.Members.Serving.Any(row => row.Node != node.Node && (row.Description.Roles & ShardPlacement.ControlRole) != 0))
        {
            throw ControlException.Refused(
                $"No other node could take the shards of node {nodeId}: none with the role control is up. Start one, or stop the node's process, "
                + "which drains as far as it can.");
        }
        int owned = sight.CountOwned(node.Node);
        await SetDrainingAsync(node.Node, true, cancellationToken);
        if (!await WaitAsync(later => later.CountOwned(node.Node) == 0, s_moving, cancellationToken))
        {
            throw ControlException.Unavailable(
                $"Node {nodeId} drains, but has not given up all of its {owned} shards within {s_moving.TotalSeconds} s; `shards show` tells which.");
        }
        return (node, owned);
    }

    private async Task SetDrainingAsync(NodeIncarnation node, bool isDraining, CancellationToken cancellationToken)
    {
        if (node == cluster.Node)
            await SetOwnDrainingAsync(isDraining, cancellationToken);
        else
            await CallAsync<SetDrainingResponse>(node, new SetDrainingRequest { IsDraining = isDraining }, cancellationToken);
    }

    private Task<TResponse> CallAsync<TResponse>(
        NodeIncarnation node, Warp.Protocol.Messages.IRequest request, CancellationToken cancellationToken)
        where TResponse : class, Warp.Protocol.Messages.IResponse =>
        cluster.RequirePeers().CallAsync<TResponse>(node, request, s_call, cancellationToken);

    private async Task<bool> WaitAsync(Func<ClusterSight, bool> condition, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(patience);
        try
        {
            while (true)
            {
                ClusterSight sight = await LookAsync(late.Token);
                if (sight.Problem is null && condition(sight))
                    return true;
                await Task.Delay(s_look, late.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private Task<ClusterSight> LookAsync(CancellationToken cancellationToken) => ClusterSight.TakeAsync(cluster, times, cancellationToken);

    private static NodeReport Report(ClusterSight sight, NodeRow row)
    {
        NodeDescription says = row.Description;
        string state = row.HasLeft ? "left"
            : sight.Members.Find(row.Node) is null ? "dead"
            : row.IsDraining ? "draining"
            : sight.Members.Serving.Contains(row) ? "up"
            : "cut-off";
        int[] owned = [.. sight.Shards.Values.Where(shard => shard.Owner == row.Node).Select(static shard => shard.ShardId).Order()];
        return new NodeReport(
            row.Node.NodeId,
            row.Node.Incarnation,
            state,
            says.Zone.Length == 0 ? null : says.Zone,
            says.Group,
            [.. NodeRoleNames.Of((NodeRoles)says.Roles)],
            says.Kafka.ToString(),
            says.Rpc.ToString(),
            says.Http.ToString(),
            owned.Count(static shard => SingletonNames.Of(shard) is null),
            [.. owned.Select(SingletonNames.Of).OfType<string>()],
            says.Version,
            says.FeatureLevel,
            row.LastSeenAt > DateTimeOffset.UnixEpoch ? Math.Round((sight.Now - row.LastSeenAt).TotalSeconds, 1) : null,
            [.. row.Status.Unreached.Where(other => sight.Members.Find(other) is not null).Order()]);
    }
}

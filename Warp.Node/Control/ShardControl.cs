using Warp.Actors.Cluster;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;
using Warp.Node.Control.Reports;
using Warp.Node.Hosting;

namespace Warp.Node.Control;

/// <summary>Shows where shards and singletons are, and has the shard coordinator move them. Thread-safe.</summary>
internal sealed class ShardControl(NodeCluster cluster, TimeConstants times)
{
    private static readonly TimeSpan s_call = TimeSpan.FromSeconds(10);

    /// <summary>How long a shard may take to move: from a live node it is moments.</summary>
    private static readonly TimeSpan s_moving = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    /// <summary>The shards, or else the singletons.</summary>
    public async Task<ShardsReport> ShowAsync(bool singletons, CancellationToken cancellationToken)
    {
        ClusterSight sight = await ClusterSight.TakeAsync(cluster, times, cancellationToken);
        IEnumerable<int> ids = singletons ? SingletonNames.Ids : Enumerable.Range(0, cluster.Cluster.ShardCount);
        return new ShardsReport(sight.Problem, [.. ids.Select(id => Report(sight, id))]);
    }

    /// <summary>Moves a shard to a node, and waits until it is there.</summary>
    public async Task<MovesReport> MoveAsync(int shardId, int nodeId, CancellationToken cancellationToken)
    {
        (_, ShardMoves moves) = await AskAsync(
            static (shards, reply) => new MemberMessage.MoveShard(shards.Shard, shards.Node, reply),
            async (peers, owner, shards) =>
            {
                MoveShardResponse answer = await peers.CallAsync<MoveShardResponse>(
                    owner, new MoveShardRequest { ShardId = shards.Shard, NodeId = shards.Node }, s_call, cancellationToken);
                return new ShardMoves(answer.Refusal, [.. answer.Moves.Select(static move => new ShardAssignment(move.ShardId, move.NodeId))]);
            },
            (Shard: shardId, Node: nodeId),
            cancellationToken);
        if (moves.Refusal is { } refusal)
            throw ControlException.Refused(refusal);
        await WaitAsync(moves.Moves, cancellationToken);
        string name = SingletonNames.Of(shardId) is { } singleton ? $"The singleton {singleton}" : $"Shard {shardId}";
        string message = moves.Moves switch
        {
            [] => $"{name} is on node {nodeId} already.",
            [_] => $"{name} has moved to node {nodeId}.",
            [_, var other, ..] => $"{name} has moved to node {nodeId}, and {other.ShardId} to node {other.NodeId} in exchange: shares stay even.",
        };
        return Report(message, moves.Moves);
    }

    /// <summary>Has the shard coordinator look now, and waits until what it has changed is done.</summary>
    public async Task<MovesReport> RebalanceAsync(CancellationToken cancellationToken)
    {
        (int node, ShardMoves moves) = await AskAsync(
            static (_, reply) => new MemberMessage.Rebalance(reply),
            async (peers, owner, _) =>
            {
                RebalanceShardsResponse answer = await peers.CallAsync<RebalanceShardsResponse>(
                    owner, new RebalanceShardsRequest(), s_call, cancellationToken);
                return new ShardMoves(null, [.. answer.Moves.Select(static move => new ShardAssignment(move.ShardId, move.NodeId))]);
            },
            0,
            cancellationToken);
        await WaitAsync(moves.Moves, cancellationToken);
        return Report(
            moves.Moves.Count == 0
                ? $"Node {node}, the coordinator, has looked: all shards are where they should be."
                : $"Node {node}, the coordinator, has moved {moves.Moves.Count} shards.",
            moves.Moves);
    }

    private static MovesReport Report(string message, IReadOnlyList<ShardAssignment> moves) =>
        new(message, [.. moves.Select(static move => new MoveReport(move.ShardId, move.NodeId))]);

    private async Task<(int Node, ShardMoves Moves)> AskAsync<T>(
        Func<T, Warp.Actors.Kernel.Reply<ShardMoves>, MemberMessage> here,
        Func<ClusterPeers, NodeIncarnation, T, Task<ShardMoves>> there,
        T argument,
        CancellationToken cancellationToken)
    {
        ClusterSight sight = await ClusterSight.TakeAsync(cluster, times, cancellationToken);
        if (sight.Shards.GetValueOrDefault(ShardIds.Coordinator) is not { Owner: { } owner })
            throw ControlException.Unavailable("No node coordinates the shards at this moment; try again in some seconds.");
        ShardMoves moves = owner == cluster.Node
            ? await cluster.Member.AskAsync<ShardMoves>(reply => here(argument, reply), s_call, cancellationToken)
            : await there(cluster.RequirePeers(), owner, argument);
        return (owner.NodeId, moves);
    }

    private async Task WaitAsync(IReadOnlyList<ShardAssignment> moves, CancellationToken cancellationToken)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(s_moving);
        var left = new List<ShardAssignment>(moves);
        try
        {
            while (true)
            {
                ClusterSight sight = await ClusterSight.TakeAsync(cluster, times, late.Token);
                // What was assigned elsewhere meanwhile is not waited for.
                left.RemoveAll(move => sight.Shards.GetValueOrDefault(move.ShardId) is { } row
                    && (row.Owner?.NodeId == move.NodeId || row.AssignedNode != move.NodeId) && sight.Problem is null);
                if (left.Count == 0)
                    return;
                await Task.Delay(s_look, late.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw ControlException.Unavailable(
                $"The shards {string.Join(", ", left.Select(static move => move.ShardId))} are assigned, but were not taken over within "
                + $"{s_moving.TotalSeconds} s; `shards show` tells who has them.");
        }
    }

    private static ShardReport Report(ClusterSight sight, int shardId)
    {
        ShardRow row = sight.Shards.GetValueOrDefault(shardId) ?? new ShardRow(shardId, 0, null, default, null);
        TimeSpan lease = row.LeaseUntil - sight.Now;
        // What the node has only heard comes without leases.
        bool isKnown = sight.Problem is null;
        string state = row.Owner is not { } owner ? "free"
            : isKnown && lease <= TimeSpan.Zero ? "expired"
            : row.AssignedNode is { } assigned && assigned != owner.NodeId ? "moving"
            : "owned";
        return new ShardReport(
            shardId,
            SingletonNames.Of(shardId),
            state,
            row.Owner?.NodeId,
            row.AssignedNode,
            row.Epoch,
            row.Owner is not null && isKnown ? Math.Round(Math.Max(lease.TotalSeconds, 0), 1) : null);
    }
}

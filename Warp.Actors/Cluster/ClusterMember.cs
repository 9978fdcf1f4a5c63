using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;

namespace Warp.Actors.Cluster;

/// <summary>What a <see cref="ClusterMember"/> can be told.</summary>
public abstract record MemberMessage
{
    private MemberMessage()
    {
    }

    /// <summary>A heartbeat was answered: look at it.</summary>
    internal sealed record Look : MemberMessage;

    /// <summary>A heartbeat was not answered.</summary>
    internal sealed record Missed : MemberMessage;

    /// <summary>Answered once no shard is left here: they are where they should be, or there is nobody to have them.</summary>
    public sealed record Leave(Reply<bool> Reply) : MemberMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>
    /// From now on this node draws no shards and no new clients, or does so again; it goes on serving. Answered when the others can know it, with
    /// the number of shards that are here still.
    /// </summary>
    public sealed record SetDraining(bool IsDraining, Reply<int> Reply) : MemberMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Assigns a shard to a node. Only the shard coordinator's node does so; on another one this fails.</summary>
    public sealed record MoveShard(int ShardId, int NodeId, Reply<ShardMoves> Reply) : MemberMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Looks now where shards should be. Only the shard coordinator's node does so; on another one this fails.</summary>
    public sealed record Rebalance(Reply<ShardMoves> Reply) : MemberMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }
}

/// <summary>What a <see cref="ClusterMember"/> works with.</summary>
/// <param name="Journal">Where assignments are written.</param>
/// <param name="Leases">This node's, already started.</param>
/// <param name="Homes">Learns where the shards are.</param>
/// <param name="Membership">Learns who is there.</param>
/// <param name="Times">How long nodes are taken to be alive.</param>
/// <param name="ShardCount">The cluster's.</param>
/// <param name="Entities">What runs where its shard is owned; started in this order, stopped in the reverse one.</param>
/// <param name="Relay">
/// Asks another node what it hears from the journal; null when none answers. For a node that has no way to the journal itself: it owns nothing any
/// more, and should know who does.
/// </param>
/// <param name="Nudge">Tells other nodes that something has changed, so that they look at once. Only a hint: they look by themselves, too.</param>
public sealed record MemberServices(
    IMembership Journal,
    ShardLeases Leases,
    ShardHomes Homes,
    ClusterMembership Membership,
    TimeConstants Times,
    int ShardCount,
    IReadOnlyList<IShardEntities> Entities,
    Func<CancellationToken, Task<Heartbeat?>> Relay,
    Action<ClusterMembers> Nudge);

/// <summary>
/// This node's part in the cluster. With every heartbeat it hears where shards should be; it takes those that should be here, hands off those
/// that should not, and, while it is the shard coordinator, says where they should be. It decides nothing that the journal does not check.
/// </summary>
public sealed class ClusterMember : Actor<MemberMessage>
{
    private readonly MemberServices _services;
    private readonly HashSet<int> _running = [];
    private readonly List<Reply<bool>> _leaving = [];
    private Heartbeat? _heard;
    private Heartbeat? _seen;
    private DateTimeOffset _heardSince;
    private string _holdingBack = "";

    private ClusterMember(MemberServices services) => _services = services;

    private NodeIncarnation Node => _services.Leases.Node;

    /// <summary>Runs this node's part. It fails for good when another process has taken this node's place.</summary>
    public static ActorRef<MemberMessage> Start(ActorSystem system, MemberServices services) =>
        system.Spawn("member", () => new ClusterMember(services), supervision: Supervision.Escalate);

    protected internal override ValueTask StartAsync(CancellationToken stopping)
    {
        _services.Leases.Heard += Hear;
        _services.Leases.Missed += Miss;
        return ValueTask.CompletedTask;
    }

    protected internal override ValueTask StopAsync()
    {
        _services.Leases.Heard -= Hear;
        _services.Leases.Missed -= Miss;
        foreach (Reply<bool> leaving in _leaving)
            leaving.Fail(new ActorStoppedException("member"));
        return ValueTask.CompletedTask;
    }

    protected internal override async ValueTask ReceiveAsync(MemberMessage message)
    {
        try
        {
            await (message switch
            {
                MemberMessage.Leave leave => LeaveAsync(leave),
                MemberMessage.SetDraining draining => SetDrainingAsync(draining),
                MemberMessage.MoveShard move => MoveAsync(move),
                MemberMessage.Rebalance rebalance => RebalanceAsync(rebalance),
                MemberMessage.Missed => RelayAsync(),
                _ => LookAsync(),
            });
        }
        catch (Exception error) when (error is not EvictedException)
        {
            // Who leaves is answered by a later look; who asked for something else hears that it was not done.
            if (message is IAsk ask and not MemberMessage.Leave)
                ask.Fail(error);
            // The journal cannot be reached, most likely. The next heartbeat that is answered brings the next look.
            Log.LogWarning("This node's shards could not be looked after ({Error}); trying again", error.Message);
        }
    }

    private void Hear(Heartbeat heartbeat)
    {
        Volatile.Write(ref _heard, heartbeat);
        Self.Tell(new MemberMessage.Look());
    }

    private void Miss() => Self.Tell(new MemberMessage.Missed());

    private async Task LeaveAsync(MemberMessage.Leave leave)
    {
        _leaving.Add(leave.Reply);
        _services.Leases.IsDraining = true;
        await _services.Leases.RenewAsync(System.Stopping);
        // The shard coordinator is waited for: it should not find out only with its next heartbeat.
        _services.Nudge(_services.Membership.Current);
    }

    private async Task SetDrainingAsync(MemberMessage.SetDraining draining)
    {
        _services.Leases.IsDraining = draining.IsDraining;
        await _services.Leases.RenewAsync(System.Stopping);
        _services.Nudge(_services.Membership.Current);
        draining.Reply.Set(_running.Count);
    }

    private async Task MoveAsync(MemberMessage.MoveShard move)
    {
        Fence fence = CoordinatorFence();
        (ClusterMembers members, Dictionary<int, ShardRow> shards) = await LookFreshAsync();
        ShardMoves plan = ShardPlacement.Move(_services.ShardCount, members, shards, move.ShardId, move.NodeId);
        if (plan is { Refusal: null, Moves.Count: > 0 })
            await AssignAsync(fence, plan.Moves, members);
        move.Reply.Set(plan);
    }

    private async Task RebalanceAsync(MemberMessage.Rebalance rebalance)
    {
        Fence fence = CoordinatorFence();
        (ClusterMembers members, Dictionary<int, ShardRow> shards) = await LookFreshAsync();
        IReadOnlyList<ShardAssignment> changes = ShardPlacement.Assign(_services.ShardCount, members, shards);
        if (changes.Count > 0)
            await AssignAsync(fence, changes, members);
        rebalance.Reply.Set(new ShardMoves(null, changes));
    }

    private Fence CoordinatorFence() => _services.Leases.FenceOf(ShardIds.Coordinator)
        ?? throw new NotShardCoordinatorException();

    private async Task<(ClusterMembers Members, Dictionary<int, ShardRow> Shards)> LookFreshAsync()
    {
        await _services.Leases.RenewAsync(System.Stopping);
        Heartbeat heartbeat = Volatile.Read(ref _heard)!;
        return (Learn(heartbeat), heartbeat.Shards.ToDictionary(static row => row.ShardId));
    }

    private async Task AssignAsync(Fence fence, IReadOnlyList<ShardAssignment> changes, ClusterMembers members)
    {
        if (!await _services.Journal.AssignShardsAsync(fence, changes, System.Stopping))
            throw new NotShardCoordinatorException();
        Note(changes);
        await _services.Leases.RenewAsync(System.Stopping);
        _services.Nudge(members);
    }

    private async Task LookAsync()
    {
        Heartbeat heartbeat = Volatile.Read(ref _heard)!;
        if (ReferenceEquals(heartbeat, _seen))
            return;
        if (!heartbeat.IsCurrent)
            throw new EvictedException(Node);
        if (_seen is null || heartbeat.DatabaseTime - _seen.DatabaseTime > _services.Times.Lease)
            _heardSince = heartbeat.DatabaseTime;
        Dictionary<int, ShardRow> shards = heartbeat.Shards.ToDictionary(static row => row.ShardId);
        ClusterMembers members = Learn(heartbeat);
        await StopAsync(_running.Where(shard => _services.Leases.FenceOf(shard) is null).ToList());
        bool changed = await HandOffAsync(ShardPlacement.HandOff(Node, _services.Leases.IsDraining, shards, _running));
        if (members.Find(Node) is { } self)
            changed |= await TakeAsync(ShardPlacement.Take(self, heartbeat.DatabaseTime, shards, _running));
        changed |= await AssignAsync(members, shards);
        changed |= await RaiseFeatureLevelAsync(members);
        changed |= await ForgetAsync(members, heartbeat.DatabaseTime);
        // The shard coordinator should see a node that has just come before its next heartbeat.
        changed |= _seen is null;
        _seen = heartbeat;
        if (changed)
        {
            // What was changed is seen, and acted upon, with the next heartbeat; the others should look, too.
            await _services.Leases.RenewAsync(System.Stopping);
            _services.Nudge(members);
        }
        else
        {
            AnswerLeaving(members, shards);
        }
    }

    /// <summary>
    /// Once the leases have run out others may own what this node owned. It serves on, by way of them; clients that ask it are sent there, too.
    /// </summary>
    private async Task RelayAsync()
    {
        if (_services.Leases.SinceHeard < _services.Times.Lease || await _services.Relay(System.Stopping) is not { } relayed)
            return;
        Learn(relayed);
        await StopAsync([.. relayed.Shards.Where(row => _running.Contains(row.ShardId) && row.Owner != Node).Select(static row => row.ShardId)]);
    }

    private ClusterMembers Learn(Heartbeat heartbeat)
    {
        var members = new ClusterMembers(Node, heartbeat.Nodes, heartbeat.DatabaseTime, _services.Times.Lease)
        {
            // It never goes down; one that was passed on may not tell it.
            FeatureLevel = Math.Max(heartbeat.FeatureLevel, _services.Membership.Current.FeatureLevel),
        };
        _services.Homes.Update(heartbeat.Shards.Select(
            static row => KeyValuePair.Create(row.ShardId, new ShardHome(row.Epoch, row.Owner))));
        _services.Homes.Confirm();
        _services.Membership.Publish(members);
        return members;
    }

    private async Task<bool> HandOffAsync(IReadOnlyList<int> shards)
    {
        if (shards.Count == 0)
            return false;
        await StopAsync(shards);
        await _services.Leases.GiveUpAsync(shards, System.Stopping);
        Log.LogInformation("Handed off shards {Shards}", string.Join(", ", shards.Order()));
        return true;
    }

    private async Task<bool> TakeAsync(IReadOnlyList<int> shards)
    {
        if (shards.Count == 0)
            return false;
        int[] taken = [.. (await _services.Leases.TakeOverAsync(shards, System.Stopping)).Select(static fence => fence.ShardId)];
        if (taken.Length == 0)
            return false;
        foreach (IShardEntities entities in _services.Entities)
            await entities.StartAsync(taken, System.Stopping);
        _running.UnionWith(taken);
        Log.LogInformation("Took over shards {Shards}", string.Join(", ", taken.Order()));
        return true;
    }

    private async Task<bool> AssignAsync(ClusterMembers members, IReadOnlyDictionary<int, ShardRow> shards)
    {
        if (_services.Leases.FenceOf(ShardIds.Coordinator) is not { } fence)
            return false;
        IReadOnlyList<ShardAssignment> changes = ShardPlacement.Assign(_services.ShardCount, members, shards);
        if (changes.Count == 0 || !await _services.Journal.AssignShardsAsync(fence, changes, System.Stopping))
            return false;
        Note(changes);
        return true;
    }

    private async Task<bool> RaiseFeatureLevelAsync(ClusterMembers members)
    {
        int level = FeatureLevels.Attainable(members.Nodes);
        NoteWhoHoldsBack(members, level);
        if (level <= members.FeatureLevel
            || _services.Leases.FenceOf(ShardIds.Coordinator) is not { } fence
            || !await _services.Journal.RaiseFeatureLevelAsync(fence, level, System.Stopping))
        {
            return false;
        }
        Log.LogInformation("The cluster is at feature level {Level} from now on: all of its nodes know it", level);
        return true;
    }

    private void NoteWhoHoldsBack(ClusterMembers members, int level)
    {
        if (_services.Leases.FenceOf(ShardIds.Coordinator) is null || FeatureLevels.Attainable(members.Live) <= level)
        {
            _holdingBack = "";
            return;
        }
        string nodes = string.Join(", ", members.Nodes
            .Where(row => !row.HasLeft && row.Description.FeatureLevel == level).Select(static row => row.Node.NodeId));
        if (nodes == _holdingBack)
            return;
        _holdingBack = nodes;
        Log.LogInformation(
            "The cluster stays at feature level {Level}: node {Nodes} knows no more, and may come back though it is dead; `cluster down` says that it will not",
            members.FeatureLevel, nodes);
    }

    /// <summary>
    /// Only while heartbeats have come for longer than a lease: after a silence of the database all nodes look as if they had been gone, until each
    /// has been heard of again.
    /// </summary>
    private async Task<bool> ForgetAsync(ClusterMembers members, DateTimeOffset now)
    {
        if (_services.Leases.FenceOf(ShardIds.Coordinator) is null || now - _heardSince <= _services.Times.Lease)
            return false;
        bool changed = false;
        foreach (NodeRow row in ForgottenNodes.Of(members.Nodes, members.FeatureLevel, now, _services.Times.NodeMemory))
        {
            if (!await _services.Journal.RemoveNodeAsync(row.Node, System.Stopping))
                continue;
            changed = true;
            Log.LogInformation(
                "Node {Node} is forgotten: it was last there {When:O}, with feature level {Level}",
                row.Node.NodeId, row.LastSeenAt, row.Description.FeatureLevel);
        }
        return changed;
    }

    private void Note(IReadOnlyList<ShardAssignment> changes)
    {
        foreach (IGrouping<int?, ShardAssignment> node in changes.GroupBy(static change => change.NodeId))
            Log.LogInformation("Assigned shards {Shards} to node {Node}", string.Join(", ", node.Select(static change => change.ShardId)), node.Key);
    }

    private async Task StopAsync(IReadOnlyCollection<int> shards)
    {
        foreach (IShardEntities entities in _services.Entities.Reverse())
            await Task.WhenAll(shards.Select(entities.StopAsync));
        _running.ExceptWith(shards);
    }

    /// <summary>A node that leaves has left when its shards are gone, or when no other node could have them.</summary>
    private void AnswerLeaving(ClusterMembers members, IReadOnlyDictionary<int, ShardRow> shards)
    {
        bool canMove = members.Serving.Any(static node => (node.Description.Roles & ShardPlacement.ControlRole) != 0);
        if (_leaving.Count == 0 || (canMove && (_running.Count > 0 || shards.Values.Any(row => row.Owner == Node))))
            return;
        foreach (Reply<bool> leaving in _leaving)
            leaving.Set(_running.Count == 0);
        _leaving.Clear();
    }
}

/// <summary>This process is no longer the node that it was registered as.</summary>
public sealed class EvictedException(NodeIncarnation node)
    : Exception($"Node {node.NodeId} was started again elsewhere, or removed from the cluster; this process stops.");

/// <summary>What was asked of the shard coordinator came to a node that is not its node, or has just ceased to be. Nothing was done.</summary>
public sealed class NotShardCoordinatorException() : Exception("The shard coordinator has just moved to another node; try again.");

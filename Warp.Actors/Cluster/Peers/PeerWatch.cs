using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Looks with every heartbeat whether the other members can be reached, so that the cluster hears of those that are cut off.</summary>
public sealed class PeerWatch : IAsyncDisposable
{
    /// <summary>One answer that does not come may be a pause of the process.</summary>
    private const int MissesToBeUnreached = 2;

    /// <summary>A node that has just registered answers a moment later, and looks may follow each other closely.</summary>
    private static readonly TimeSpan s_leastSilence = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly ActorSystem _system;
    private readonly ClusterPeers _peers;
    private readonly ClusterMembership _membership;
    private readonly Action<UnreachedNodes> _tell;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly Dictionary<NodeIncarnation, Misses> _misses = [];
    private readonly ConcurrentDictionary<NodeIncarnation, Task> _looks = new();
    private readonly CancellationTokenSource _stopping = new();

    /// <param name="system">Clock and scheduler.</param>
    /// <param name="peers">The way to them.</param>
    /// <param name="membership">Who they are.</param>
    /// <param name="tell">Gets those that are not reached; one call after the other.</param>
    public PeerWatch(ActorSystem system, ClusterPeers peers, ClusterMembership membership, Action<UnreachedNodes> tell)
    {
        _system = system;
        _peers = peers;
        _membership = membership;
        _tell = tell;
        _log = system.Loggers.CreateLogger("peers");
        membership.Changed += Look;
    }

    public async ValueTask DisposeAsync()
    {
        _membership.Changed -= Look;
        await _stopping.CancelAsync();
        await Task.WhenAll(_looks.Values);
        _stopping.Dispose();
    }

    private void Look(ClusterMembers members)
    {
        foreach (NodeIncarnation gone in _looks.Where(look => look.Value.IsCompleted && members.Find(look.Key) is null).Select(static look => look.Key))
            _looks.TryRemove(gone, out _);
        Tell(members);
        foreach (NodeRow row in members.Live.Where(row => row.Node.NodeId != members.Self.NodeId))
        {
            if (!_looks.TryGetValue(row.Node, out Task? look) || look.IsCompleted)
                _looks[row.Node] = _system.Start(() => LookAsync(row));
        }
    }

    private async Task LookAsync(NodeRow row)
    {
        try
        {
            bool isReached = await _peers.IsReachedAsync(row, s_patience, _stopping.Token);
            lock (_gate)
            {
                if (isReached)
                    _misses.Remove(row.Node);
                else
                    Miss(row.Node);
            }
            Tell(_membership.Current);
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    /// <summary>What was found of a node in a life that is over says nothing of its next one.</summary>
    private void Tell(ClusterMembers members)
    {
        lock (_gate)
        {
            foreach (NodeIncarnation over in _misses.Keys.Where(node => members.Find(node) is null).ToList())
                _misses.Remove(over);
            long known = members.Nodes.Select(static row => row.Node.Incarnation).DefaultIfEmpty(0).Max();
            _tell(new UnreachedNodes(
                [.. _misses.Where(static entry => entry.Value.IsUnreached).Select(static entry => entry.Key.NodeId).Order()], known));
        }
    }

    private void Miss(NodeIncarnation node)
    {
        if (!_misses.TryGetValue(node, out Misses misses))
            misses = new Misses(0, _system.Time.GetTimestamp(), IsUnreached: false);
        bool isUnreached = misses.Count + 1 >= MissesToBeUnreached && _system.Time.GetElapsedTime(misses.Since) >= s_leastSilence;
        if (isUnreached && !misses.IsUnreached)
            _log.LogWarning("Node {Node} cannot be reached by this one", node);
        _misses[node] = misses with { Count = misses.Count + 1, IsUnreached = isUnreached };
    }

    private readonly record struct Misses(int Count, long Since, bool IsUnreached);
}

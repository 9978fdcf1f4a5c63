using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Looks with every heartbeat whether the other members can be reached, so that the cluster hears of those that are cut off.</summary>
public sealed class PeerWatch : IAsyncDisposable
{
    /// <summary>One answer that does not come may be a pause of the process.</summary>
    private const int MissesToBeUnreached = 2;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly ActorSystem _system;
    private readonly ClusterPeers _peers;
    private readonly ClusterMembership _membership;
    private readonly Action<IReadOnlyCollection<int>> _tell;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<int, int> _misses = new();
    private readonly ConcurrentDictionary<int, Task> _looks = new();
    private readonly CancellationTokenSource _stopping = new();

    /// <param name="system">Clock and scheduler.</param>
    /// <param name="peers">The way to them.</param>
    /// <param name="membership">Who they are.</param>
    /// <param name="tell">Gets the ids of those that are not reached.</param>
    public PeerWatch(ActorSystem system, ClusterPeers peers, ClusterMembership membership, Action<IReadOnlyCollection<int>> tell)
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
        foreach (int id in _misses.Keys.Where(id => members.Find(id) is null))
            _misses.TryRemove(id, out _);
        foreach (NodeRow row in members.Live.Where(row => row.Node.NodeId != members.Self.NodeId))
        {
            int id = row.Node.NodeId;
            if (!_looks.TryGetValue(id, out Task? look) || look.IsCompleted)
                _looks[id] = _system.Start(() => LookAsync(row));
        }
    }

    private async Task LookAsync(NodeRow row)
    {
        int id = row.Node.NodeId;
        try
        {
            bool isReached = await _peers.IsReachedAsync(row, s_patience, _stopping.Token);
            int misses = isReached ? 0 : _misses.GetValueOrDefault(id) + 1;
            _misses[id] = misses;
            if (misses == MissesToBeUnreached)
                _log.LogWarning("Node {Node} cannot be reached by this one", row.Node);
            _tell([.. _misses.Where(static entry => entry.Value >= MissesToBeUnreached).Select(static entry => entry.Key).Order()]);
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }
}

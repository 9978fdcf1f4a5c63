using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;

namespace Warp.Actors.Cluster;

/// <summary>
/// The shards that this node owns, under which epoch, and until when it may answer for them. An owner answers only while its lease holds
/// on its own monotonic clock, counted from the sending of the last renewal that succeeded, less a margin (the architecture's rule 5).
/// Thread-safe.
/// </summary>
public sealed class ShardLeases : IAsyncDisposable
{
    private readonly ActorSystem _system;
    private readonly IJournal _journal;
    private readonly TimeConstants _times;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Holding> _held = [];
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _stopping = new();
    private Task _renewing = Task.CompletedTask;
    private long _renewalSentAt = long.MinValue;

    public ShardLeases(ActorSystem system, IJournal journal, NodeIncarnation node, TimeConstants times)
    {
        _system = system;
        _journal = journal;
        _times = times;
        _log = system.Loggers.CreateLogger("leases");
        Node = node;
        Clock = new ClusterClock(system.Time);
    }

    public NodeIncarnation Node { get; }

    /// <summary>The database's clock, sampled with each renewal.</summary>
    public ClusterClock Clock { get; }

    /// <summary>Takes the shards over and keeps renewing them.</summary>
    public async Task StartAsync(IReadOnlyList<int> shards, CancellationToken cancellationToken)
    {
        Clock.Observe(await _journal.ReadClockAsync(cancellationToken));
        await TakeOverAsync(shards, cancellationToken);
        _renewing = _system.Start(RenewForeverAsync);
    }

    /// <summary>The fence of a shard, or null when this node does not own it.</summary>
    public Fence? FenceOf(int shardId)
    {
        lock (_gate)
            return _held.TryGetValue(shardId, out Holding holding) ? holding.Fence : null;
    }

    /// <summary>Whether this node may answer for the shard at this moment from what it knows.</summary>
    public bool MayAnswer(int shardId)
    {
        lock (_gate)
        {
            return _held.TryGetValue(shardId, out Holding holding)
                && _system.Time.GetElapsedTime(holding.SentAt) < _times.Lease - _times.LeaseMargin;
        }
    }

    /// <summary>
    /// Raises the shard's epoch. Everything that was written under the old one is durable or refused by the time this returns, so it is
    /// the first step of recovery after a write with an unknown outcome.
    /// </summary>
    /// <returns>The new fence, or null when another node owns the shard.</returns>
    public async Task<Fence?> RaiseEpochAsync(int shardId, CancellationToken cancellationToken)
    {
        await TakeOverAsync([shardId], cancellationToken);
        return FenceOf(shardId);
    }

    /// <summary>Renews at once, for an answer that the clock would refuse (after a pause of the process, for one).</summary>
    public async Task RenewAsync(CancellationToken cancellationToken)
    {
        long askedAt = _system.Time.GetTimestamp();
        await _turn.WaitAsync(cancellationToken);
        try
        {
            // After a pause everybody asks at once; one renewal that was sent after they asked proves it for all.
            if (_renewalSentAt > askedAt)
                return;
            Fence[] fences;
            lock (_gate)
                fences = [.. _held.Values.Select(static holding => holding.Fence)];
            long sentAt = _system.Time.GetTimestamp();
            Heartbeat heartbeat = await _journal.HeartbeatAsync(Node, draining: false, fences, _times.Lease, cancellationToken);
            Clock.Observe(heartbeat.DatabaseTime, sentAt);
            lock (_gate)
            {
                foreach (Fence lost in fences.Except(heartbeat.Renewed))
                {
                    _log.LogWarning("Shard {Shard} was lost under epoch {Epoch}", lost.ShardId, lost.Epoch);
                    _held.Remove(lost.ShardId);
                }
                foreach (Fence fence in heartbeat.Renewed)
                    _held[fence.ShardId] = new Holding(fence, sentAt);
            }
            _renewalSentAt = sentAt;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Stops renewing and gives the shards up at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _renewing;
        Fence[] fences;
        lock (_gate)
        {
            fences = [.. _held.Values.Select(static holding => holding.Fence)];
            _held.Clear();
        }
        await _journal.ReleaseAsync(Node, fences, CancellationToken.None);
        _stopping.Dispose();
        _turn.Dispose();
    }

    private async Task TakeOverAsync(IReadOnlyList<int> shards, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            long sentAt = _system.Time.GetTimestamp();
            IReadOnlyList<Fence> taken = await _journal.TakeOverAsync(Node, shards, _times.Lease, cancellationToken);
            lock (_gate)
            {
                foreach (Fence fence in taken)
                    _held[fence.ShardId] = new Holding(fence, sentAt);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task RenewForeverAsync()
    {
        while (true)
        {
            try
            {
                await Task.Delay(_times.LeaseRenewal, _system.Time, _stopping.Token);
                await RenewAsync(_stopping.Token);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                _log.LogWarning("Leases could not be renewed ({Error}); trying again", error.Message);
            }
        }
    }

    private readonly record struct Holding(Fence Fence, long SentAt);
}

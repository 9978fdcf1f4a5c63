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

    /// <summary>Holds no handle, so it need not be disposed; who waits for one that is would wait for ever.</summary>
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _stopping = new();
    private Task _renewing = Task.CompletedTask;
    private long _renewalSentAt;
    private bool _hasLapsed;
    private bool _hasEnded;

    public ShardLeases(ActorSystem system, IJournal journal, NodeIncarnation node, TimeConstants times)
    {
        _system = system;
        _journal = journal;
        _times = times;
        _log = system.Loggers.CreateLogger("leases");
        Node = node;
        Clock = new ClusterClock(system.Time);
        _renewalSentAt = system.Time.GetTimestamp();
    }

    /// <summary>Called with every heartbeat that was answered, on any thread; must return at once.</summary>
    public event Action<Heartbeat>? Heard;

    /// <summary>Called with every regular heartbeat that was not answered, on any thread; must return at once.</summary>
    public event Action? Missed;

    public NodeIncarnation Node { get; }

    /// <summary>How long ago the last heartbeat was sent that was answered.</summary>
    public TimeSpan SinceHeard => _system.Time.GetElapsedTime(Volatile.Read(ref _renewalSentAt));

    /// <summary>Whether the next heartbeats say that this node wants to leave.</summary>
    public bool IsDraining { get; set; }

    /// <summary>What the next heartbeats say of whom this node cannot reach.</summary>
    public UnreachedNodes Unreached { get; set; } = UnreachedNodes.None;

    /// <summary>The database's clock, sampled with each renewal.</summary>
    public ClusterClock Clock { get; }

    /// <summary>Takes the shards over, and from now on renews whatever this node owns.</summary>
    public async Task StartAsync(IReadOnlyList<int> shards, CancellationToken cancellationToken)
    {
        Clock.Observe(await _journal.ReadClockAsync(cancellationToken));
        if (shards.Count > 0)
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
        TimeSpan age;
        lock (_gate)
        {
            if (!_held.TryGetValue(shardId, out Holding holding))
                return false;
            age = _system.Time.GetElapsedTime(holding.SentAt);
            if (age < _times.Lease - _times.LeaseMargin)
                return true;
            // Told once, however many ask.
            if (_hasLapsed)
                return false;
            _hasLapsed = true;
        }
        _log.LogWarning(
            "By this node's own clock its leases have run out ({Age:F1} s); it answers for its shards only after it has renewed them", age.TotalSeconds);
        return false;
    }

    /// <summary>
    /// Raises the shard's epoch. Everything that was written under the old one is durable or refused by the time this returns, so it is
    /// the first step of recovery after a write with an unknown outcome.
    /// </summary>
    /// <returns>The new fence, or null when another node owns the shard.</returns>
    public async Task<Fence?> RaiseEpochAsync(int shardId, CancellationToken cancellationToken) =>
        await TakeOverAsync([shardId], cancellationToken) is [Fence fence] ? fence : null;

    /// <summary>Takes over those of the shards that are free, or this node's own: under a new epoch.</summary>
    /// <returns>What was taken.</returns>
    public async Task<IReadOnlyList<Fence>> TakeOverAsync(IReadOnlyList<int> shards, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_hasEnded)
                return [];
            long sentAt = _system.Time.GetTimestamp();
            IReadOnlyList<Fence> taken = await _journal.TakeOverAsync(Node, shards, _times.Lease, cancellationToken);
            lock (_gate)
            {
                foreach (Fence fence in taken)
                    _held[fence.ShardId] = new Holding(fence, sentAt);
            }
            return taken;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Gives shards up at once, so that others need not wait for the lease. Nothing of them may be under way any more.</summary>
    public async Task GiveUpAsync(IReadOnlyCollection<int> shards, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var fences = new List<Fence>(shards.Count);
            lock (_gate)
            {
                foreach (int shard in shards)
                {
                    if (_held.Remove(shard, out Holding holding))
                        fences.Add(holding.Fence);
                }
            }
            await _journal.ReleaseAsync(Node, fences, cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Renews at once, for an answer that the clock would refuse (after a pause of the process, for one).</summary>
    public async Task RenewAsync(CancellationToken cancellationToken)
    {
        long askedAt = _system.Time.GetTimestamp();
        await _turn.WaitAsync(cancellationToken);
        try
        {
            // After a pause everybody asks at once; one renewal that was sent after they asked proves it for all. And a node that has departed must
            // not be noted as alive again.
            if (_renewalSentAt > askedAt || _hasEnded)
                return;
            Fence[] fences;
            lock (_gate)
                fences = [.. _held.Values.Select(static holding => holding.Fence)];
            long sentAt = _system.Time.GetTimestamp();
            UnreachedNodes unreached = Unreached;
            var status = new NodeStatus(IsDraining, unreached.NodeIds, unreached.KnownIncarnation);
            Heartbeat heartbeat = await _journal.HeartbeatAsync(Node, status, fences, _times.Lease, cancellationToken);
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
                _hasLapsed = false;
            }
            Volatile.Write(ref _renewalSentAt, sentAt);
            Heard?.Invoke(heartbeat);
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
        // Other nodes may still ask this one to look. Whoever does so now is waited for, and who comes later finds nothing to do.
        await _turn.WaitAsync(CancellationToken.None);
        _hasEnded = true;
        Fence[] fences;
        lock (_gate)
        {
            fences = [.. _held.Values.Select(static holding => holding.Fence)];
            _held.Clear();
        }
        _turn.Release();
        try
        {
            await _journal.ReleaseAsync(Node, fences, CancellationToken.None);
            await _journal.DepartAsync(Node, CancellationToken.None);
        }
        catch (Exception error)
        {
            // Then others have to wait until the leases run out.
            _log.LogWarning("The shards could not be given up ({Error})", error.Message);
        }
        _stopping.Dispose();
    }

    private async Task RenewForeverAsync()
    {
        while (true)
        {
            try
            {
                await Task.Delay(_times.LeaseRenewal, _system.Time, _stopping.Token);
                // One that hangs must not keep the next from being sent, nor this node from noticing that it is cut off.
                using var late = new CancellationTokenSource(2 * _times.LeaseRenewal, _system.Time);
                using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _stopping.Token);
                await RenewAsync(giveUp.Token);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                string reason = error is OperationCanceledException ? "there was no answer in time" : error.Message;
                _log.LogWarning("Leases could not be renewed ({Error}); trying again", reason);
                Missed?.Invoke();
            }
        }
    }

    private readonly record struct Holding(Fence Fence, long SentAt);
}

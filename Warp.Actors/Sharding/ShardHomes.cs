namespace Warp.Actors.Sharding;

/// <summary>
/// Where the shards are, as far as this node has heard. The journal decides; this only says where to ask first, so it may be late, but of two
/// answers the one with the higher epoch counts. Thread-safe.
/// </summary>
public sealed class ShardHomes
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, ShardHome> _homes = [];
    private readonly Dictionary<int, ShardHome> _doubted = [];
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>The shard's home; without owner while none is known, or the known one has turned out to be wrong.</summary>
    public ShardHome this[int shardId]
    {
        get
        {
            lock (_gate)
                return Find(shardId);
        }
    }

    /// <summary>Takes over what the journal said. What is older than what is known is left out.</summary>
    public void Update(IEnumerable<KeyValuePair<int, ShardHome>> homes)
    {
        TaskCompletionSource? changed = null;
        lock (_gate)
        {
            foreach ((int shardId, ShardHome home) in homes)
            {
                if (_homes.TryGetValue(shardId, out ShardHome known) && (known.Epoch > home.Epoch || known == home))
                    continue;
                _homes[shardId] = home;
                changed = _changed;
            }
            if (changed is not null)
                _changed = NewSignal();
        }
        changed?.SetResult();
    }

    /// <summary>
    /// Notes that the shard was not where it should be. It has no owner here until there is another one, or the same is confirmed
    /// (<see cref="Confirm"/>).
    /// </summary>
    public void Doubt(int shardId, ShardHome wrong)
    {
        lock (_gate)
            _doubted[shardId] = wrong;
    }

    /// <summary>The journal was read since: who was doubted and still stands there is asked again.</summary>
    public void Confirm()
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            if (_doubted.Count == 0)
                return;
            _doubted.Clear();
            changed = _changed;
            _changed = NewSignal();
        }
        changed.SetResult();
    }

    /// <summary>Waits until something has changed and the shard has an owner.</summary>
    public async Task<ShardHome> WaitForOwnerAsync(int shardId, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                ShardHome home = Find(shardId);
                if (home.Owner is not null)
                    return home;
                changed = _changed.Task;
            }
            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Waits until something has changed, whatever it is.</summary>
    public Task WaitForChangeAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
            return _changed.Task.WaitAsync(cancellationToken);
    }

    private ShardHome Find(int shardId)
    {
        ShardHome home = _homes.GetValueOrDefault(shardId);
        return _doubted.TryGetValue(shardId, out ShardHome wrong) && wrong == home ? home with { Owner = null } : home;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

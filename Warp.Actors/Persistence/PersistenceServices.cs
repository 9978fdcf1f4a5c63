using Warp.Actors.Cluster;

namespace Warp.Actors.Persistence;

/// <summary>What every persistent actor of a node shares. Thread-safe.</summary>
public sealed class PersistenceServices(IJournal journal, GroupCommit commits, ShardLeases leases, TimeConstants times)
{
    private readonly Lock _gate = new();
    private readonly HashSet<int> _doubtful = [];

    public IJournal Journal { get; } = journal;

    public GroupCommit Commits { get; } = commits;

    public ShardLeases Leases { get; } = leases;

    public TimeConstants Times { get; } = times;

    /// <summary>
    /// The highest version in which events and snapshots may be written now: other nodes may have to read them (<see cref="FeatureLevels"/>).
    /// </summary>
    public short HighestVersion => HighestVersionNow();

    /// <summary>Says what <see cref="HighestVersion"/> is.</summary>
    public Func<short> HighestVersionNow { private get; init; } = static () => FeatureLevels.VersionAt(FeatureLevels.Newest);

    /// <summary>The least bytes of events between two snapshots of an actor.</summary>
    public long SnapshotSpacingBytes { get; init; } = 256 * 1024;

    /// <summary>Notes that a write of this shard has an unknown outcome: its epoch is raised before anyone recovers under it.</summary>
    public void Doubt(int shardId)
    {
        lock (_gate)
            _doubtful.Add(shardId);
    }

    /// <summary>The fence to recover under, or null when another node owns the shard.</summary>
    public async Task<Fence?> FenceForRecoveryAsync(int shardId, CancellationToken cancellationToken)
    {
        bool doubtful;
        lock (_gate)
            doubtful = _doubtful.Remove(shardId);
        if (!doubtful)
            return Leases.FenceOf(shardId);
        try
        {
            return await Leases.RaiseEpochAsync(shardId, cancellationToken);
        }
        catch
        {
            Doubt(shardId);
            throw;
        }
    }
}

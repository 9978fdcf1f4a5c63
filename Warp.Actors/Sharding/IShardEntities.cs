namespace Warp.Actors.Sharding;

/// <summary>Entities of one kind that run where their shard is owned.</summary>
public interface IShardEntities
{
    /// <summary>Starts those of shards that this node has just taken over. They recover by themselves. Shards without any are none of its business.</summary>
    Task StartAsync(IReadOnlyCollection<int> shardIds, CancellationToken cancellationToken);

    /// <summary>Stops those of a shard that is about to be given up, or has been lost: what they write has ended when this returns.</summary>
    Task StopAsync(int shardId);
}

using Warp.Actors.Persistence;

namespace Warp.Actors.Sharding;

/// <summary>The ways from this node to the shards of its cluster. Thread-safe.</summary>
/// <param name="Self">This node.</param>
/// <param name="Homes">Where the shards are.</param>
/// <param name="Transport">The way to other nodes.</param>
public sealed record ShardRoutes(NodeIncarnation Self, ShardHomes Homes, IShardTransport Transport)
{
    /// <summary>Called when a home has turned out to be wrong, so that somebody looks where the shard is now.</summary>
    public event Action? Doubted;

    /// <summary>For a node without others.</summary>
    public static ShardRoutes Alone(NodeIncarnation self) => new(self, new ShardHomes(), new NoTransport());

    /// <summary>Notes that a shard was not where it should be.</summary>
    internal void Doubt(int shardId, ShardHome wrong)
    {
        Homes.Doubt(shardId, wrong);
        Doubted?.Invoke();
    }

    private sealed class NoTransport : IShardTransport
    {
        public Task<Delivery> DeliverAsync<TMessage>(NodeIncarnation owner, int shardId, TMessage message)
            where TMessage : class => Task.FromResult(Delivery.NotSent);
    }
}

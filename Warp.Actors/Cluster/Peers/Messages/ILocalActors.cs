using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Cluster.Peers;

/// <summary>The actors that this node owns, for the requests of others. Thread-safe.</summary>
public interface ILocalActors
{
    /// <exception cref="PeerErrorException">The shard is another node's (<see cref="NotOwner"/>).</exception>
    ActorRef<SequencerMessage> Sequencer(int shardId);

    /// <exception cref="PeerErrorException">It runs on another node.</exception>
    ActorRef<CatalogMessage> Catalog();

    /// <exception cref="PeerErrorException">It runs on another node.</exception>
    ActorRef<CompactionMessage> Compaction();

    /// <summary>What to throw for a shard that is not this node's.</summary>
    /// <param name="shardId">The shard, or singleton.</param>
    /// <param name="epoch">Its epoch, as far as this node knows; −1 if it does not.</param>
    static PeerErrorException NotOwner(int shardId, long epoch) =>
        new(PeerError.NotOwner, $"shard {shardId} is another node's (epoch {epoch})", epoch);
}

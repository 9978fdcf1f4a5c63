using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Sharding;

/// <summary>
/// Where a message for an entity is sent: it knows the shard of every entity, and the actor that serves it. Here every shard is this
/// node's own. Thread-safe.
/// </summary>
public sealed class ShardRegion
{
    private readonly ActorRef<SequencerMessage>[] _sequencers;

    /// <summary>Starts the sequencers of all shards; they recover by themselves.</summary>
    public ShardRegion(ActorSystem system, PersistenceServices services, int shardCount)
    {
        _sequencers = new ActorRef<SequencerMessage>[shardCount];
        for (int i = 0; i < shardCount; i++)
        {
            int shardId = i;
            _sequencers[i] = system.Spawn($"sequencer-{shardId}", () => new Sequencer(services, shardId));
        }
    }

    public int ShardCount => _sequencers.Length;

    public int ShardOf(TopicPartition partition) => EntityHash.ShardOf(partition, _sequencers.Length);

    public ActorRef<SequencerMessage> Sequencer(int shardId) => _sequencers[shardId];

    public ActorRef<SequencerMessage> SequencerOf(TopicPartition partition) => _sequencers[ShardOf(partition)];
}

using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Sharding;

/// <summary>
/// Where a message for a partition is sent: it knows the shard of every partition, and reaches the sequencer that serves it, on this node or
/// another one. Thread-safe.
/// </summary>
public sealed class ShardRegion : IShardEntities
{
    private readonly ActorSystem _system;
    private readonly PersistenceServices _services;
    private readonly ShardMailbox<SequencerMessage>[] _mailboxes;
    private readonly ActorRef<SequencerMessage>[] _sequencers;

    /// <param name="system">Runs the sequencers.</param>
    /// <param name="services">Journal and leases.</param>
    /// <param name="shardCount">The cluster's.</param>
    /// <param name="routes">The ways to shards of other nodes.</param>
    public ShardRegion(ActorSystem system, PersistenceServices services, int shardCount, ShardRoutes routes)
    {
        _system = system;
        _services = services;
        // All that a sequencer can be told may be repeated: commits and swaps get their first answer, the rest says what should be.
        _mailboxes =
        [
            .. Enumerable.Range(0, shardCount).Select(shardId => new ShardMailbox<SequencerMessage>(
                system, SequencerHistory.PersistenceIdOf(shardId), shardId, routes, static _ => true)),
        ];
        _sequencers = [.. _mailboxes.Select(static mailbox => new ActorRef<SequencerMessage>(mailbox))];
    }

    public int ShardCount => _sequencers.Length;

    public int ShardOf(TopicPartition partition) => EntityHash.ShardOf(partition, _sequencers.Length);

    /// <summary>The sequencer of a shard, wherever it runs. The reference stays valid when the shard moves.</summary>
    public ActorRef<SequencerMessage> Sequencer(int shardId) => _sequencers[shardId];

    /// <inheritdoc cref="Sequencer"/>
    public ActorRef<SequencerMessage> SequencerOf(TopicPartition partition) => _sequencers[ShardOf(partition)];

    /// <summary>The sequencer of a shard while this node owns it, null otherwise.</summary>
    public ActorRef<SequencerMessage>? LocalSequencer(int shardId) =>
        (uint)shardId < (uint)_mailboxes.Length ? _mailboxes[shardId].Local : null;

    /// <inheritdoc/>
    public Task StartAsync(IReadOnlyCollection<int> shardIds, CancellationToken cancellationToken)
    {
        foreach (int shardId in shardIds.Where(shardId => shardId < _mailboxes.Length && _mailboxes[shardId].Local is null))
            _mailboxes[shardId].Local = _system.Spawn(_mailboxes[shardId].Name, () => new Sequencer(_services, shardId));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(int shardId)
    {
        if (LocalSequencer(shardId) is not { } sequencer)
            return;
        _mailboxes[shardId].Local = null;
        await _system.StopAsync(sequencer);
    }
}

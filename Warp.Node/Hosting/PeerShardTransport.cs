using Microsoft.Extensions.Logging;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;

namespace Warp.Node.Hosting;

/// <summary>Takes messages for shards to the nodes that own them. Thread-safe.</summary>
/// <param name="system">Its end ends deliveries.</param>
/// <param name="client">Knows how each message travels.</param>
/// <param name="peers">Knows where nodes are.</param>
/// <param name="published">This node's copy of the catalog.</param>
/// <param name="catchUp">Brings that copy up to date.</param>
internal sealed class PeerShardTransport(
    ActorSystem system, PeerActorClient client, ClusterPeers peers, PublishedCatalog published, Func<CancellationToken, Task> catchUp)
    : IShardTransport
{
    /// <summary>How long one call may take. Whoever asks has a deadline of its own, and asks again within it.</summary>
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    private readonly ILogger _log = system.Loggers.CreateLogger("peers");

    /// <inheritdoc/>
    public async Task<Delivery> DeliverAsync<TMessage>(NodeIncarnation owner, int shardId, TMessage message)
        where TMessage : class
    {
        try
        {
            if (message is CatalogMessage.ReadImage read)
            {
                await catchUp(system.Stopping);
                read.Reply.Set(published.Current);
                return Delivery.Handled;
            }
            PeerAddress address = peers.AddressOf(owner);
            await (message switch
            {
                SequencerMessage sequencer => client.SendAsync(address, shardId, sequencer, s_deadline, system.Stopping),
                CatalogMessage catalog => client.SendAsync(address, catalog, s_deadline, system.Stopping),
                CompactionMessage compaction => client.SendAsync(address, compaction, s_deadline, system.Stopping),
                _ => throw new ArgumentException($"{message.GetType().Name} does not travel between nodes.", nameof(message)),
            });
            return Delivery.Handled;
        }
        catch (PeerCallException error)
        {
            _log.LogDebug("A message for shard {Shard} was not delivered to node {Node}: {Error}", shardId, owner, error.Message);
            return error switch
            {
                { Error: PeerError.NotOwner } => Delivery.NotOwner,
                { Failure: PeerFailure.NotSent } => Delivery.NotSent,
                _ => Delivery.Unknown,
            };
        }
        catch (OperationCanceledException)
        {
            return Delivery.Unknown;
        }
    }
}

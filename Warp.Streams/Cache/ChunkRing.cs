using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Warp.Actors.Cluster;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Wire;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Cache;

/// <summary>
/// Spreads the chunks over the nodes of a zone by rendezvous hashing, so that a zone reads each of them from the store once, however many of its
/// nodes want it, and none of what its own nodes have just written. Thread-safe.
/// </summary>
public sealed class ChunkRing : IChunkRing, IDisposable
{
    /// <summary>The role of nodes that keep chunks (<c>fetch</c>), as a bit of <see cref="NodeDescription.Roles"/>.</summary>
    private const int FetchRole = 2;

    /// <summary>How many chunks may be on their way to their owners; more are left out: they can be read from the store.</summary>
    private const int MaxOffers = 16;

    private static readonly TimeSpan s_read = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_offer = TimeSpan.FromSeconds(2);

    private readonly ActorSystem _system;
    private readonly ClusterMembership _membership;
    private readonly ClusterPeers _peers;
    private readonly ObjectKeys _keys;
    private readonly string _zone;
    private readonly string _group;
    private readonly ILogger _log;
    private readonly Counter<long> _reads;
    private readonly Counter<long> _offers;
    private NodeIncarnation[] _nodes = [];
    private int _offering;

    /// <param name="system">Clock and scheduler.</param>
    /// <param name="membership">Who is there.</param>
    /// <param name="peers">The way to them.</param>
    /// <param name="keys">The names of objects.</param>
    /// <param name="zone">This node's zone; empty for none.</param>
    /// <param name="group">This node's group.</param>
    /// <param name="meter">Gets the instruments.</param>
    public ChunkRing(
        ActorSystem system, ClusterMembership membership, ClusterPeers peers, ObjectKeys keys, string zone, string group, Meter meter)
    {
        _system = system;
        _membership = membership;
        _peers = peers;
        _keys = keys;
        _zone = zone;
        _group = group;
        _log = system.Loggers.CreateLogger("chunk-ring");
        _reads = meter.CreateCounter<long>("warp.cache.ring.reads", "{chunk}", "Chunks asked of the nodes that keep them, by outcome.");
        _offers = meter.CreateCounter<long>("warp.cache.ring.offers", "{chunk}", "Chunks sent to the nodes that keep them, by outcome.");
        membership.Changed += Take;
        Take(membership.Current);
    }

    public bool IsOwn(ChunkKey chunk) => OwnerOf(chunk) == _membership.Current.Self;

    public async Task<int?> ReadAsync(
        ChunkKey chunk, string key, long? objectSize, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (!_keys.TryParseObject(key, out int level, out _))
            return null;
        var request = new ReadChunkRequest
        {
            ObjectId = chunk.ObjectId.ToGuid(),
            Level = (sbyte)level,
            ObjectSizeBytes = objectSize ?? -1,
            ChunkNumber = chunk.ChunkNumber,
        };
        try
        {
            using ReadChunkResponse response = await _peers.CallAsync<ReadChunkResponse>(OwnerOf(chunk), request, s_read, cancellationToken);
            ReadOnlyMemory<byte> found = response.Data.Memory;
            if (found.Length > destination.Length)
                return null;
            found.CopyTo(destination);
            Count(_reads, "read");
            return found.Length;
        }
        catch (PeerCallException error)
        {
            // The store is there, too.
            _log.LogDebug("Chunk {Chunk} of {Key} is read from the store: {Error}", chunk.ChunkNumber, key, error.Message);
            Count(_reads, "failed");
            return null;
        }
    }

    /// <summary>Begins to send the chunks of an object to the nodes that keep them; this node's own stay for <see cref="ChunkCache.Offer(EncodedObject)"/>.</summary>
    public void Offer(EncodedObject encoded)
    {
        for (int i = 0; i < encoded.Blocks.Count; i++)
        {
            var chunk = new ChunkKey(encoded.Id, i);
            if (IsOwn(chunk))
                continue;
            if (Interlocked.Increment(ref _offering) > MaxOffers)
            {
                Interlocked.Decrement(ref _offering);
                Count(_offers, "left-out");
                continue;
            }
            // Held until it has left, whatever becomes of the object meanwhile.
            using var builder = new RecordSetBuilder();
            builder.Append(encoded.Blocks[i].Memory, encoded.Blocks[i]);
            RecordSet data = builder.Build();
            _ = _system.Start(() => OfferAsync(chunk, data));
        }
    }

    public void Dispose() => _membership.Changed -= Take;

    private static void Count(Counter<long> counter, string outcome) => counter.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    private async Task OfferAsync(ChunkKey chunk, RecordSet data)
    {
        try
        {
            var request = new OfferChunkRequest { ObjectId = chunk.ObjectId.ToGuid(), ChunkNumber = chunk.ChunkNumber, Data = data };
            await _peers.CallAsync<OfferChunkResponse>(OwnerOf(chunk), request, s_offer, _system.Stopping);
            Count(_offers, "sent");
        }
        catch (Exception error) when (error is PeerCallException or OperationCanceledException)
        {
            _log.LogDebug("Chunk {Chunk} of {Object} was not taken: {Error}", chunk.ChunkNumber, chunk.ObjectId, error.Message);
            Count(_offers, "failed");
        }
        finally
        {
            // From the frame on it is the frame's, which may leave much later than this is given up.
            if (!data.IsTakenOver)
                data.Dispose();
            Interlocked.Decrement(ref _offering);
        }
    }

    private NodeIncarnation OwnerOf(ChunkKey chunk)
    {
        NodeIncarnation[] nodes = Volatile.Read(ref _nodes);
        NodeIncarnation owner = _membership.Current.Self;
        ulong highest = 0;
        foreach (NodeIncarnation node in nodes)
        {
            ulong weight = Weight(chunk, node.NodeId);
            if (weight >= highest)
                (owner, highest) = (node, weight);
        }
        return owner;
    }

    /// <summary>The low half of an object's id is random; mixed with the others, so that neighbouring chunks and nodes are far apart.</summary>
    private static ulong Weight(ChunkKey chunk, int nodeId)
    {
        ulong hash = (ulong)chunk.ObjectId.Value ^ ((ulong)chunk.ChunkNumber * 0x9E3779B97F4A7C15) ^ ((ulong)nodeId * 0xC2B2AE3D27D4EB4F);
        hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
        hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
        return hash ^ (hash >> 33);
    }

    private void Take(ClusterMembers members) => Volatile.Write(
        ref _nodes,
        [
            .. members.Serving
                .Where(row => row.Description.Zone == _zone && row.Description.Group == _group && (row.Description.Roles & FetchRole) != 0)
                .Select(static row => row.Node),
        ]);
}

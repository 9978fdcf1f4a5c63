using Warp.Actors.Cluster;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Sequencing;
using Warp.Specs.Actors.Cluster.Peers;
using Warp.Specs.Streams.Format;
using Warp.Streams.Cache;
using Warp.Streams.Format;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Cache;

/// <summary>Nodes that share the chunks of a zone, over real connections.</summary>
public sealed class ChunkRingSpec : IAsyncDisposable
{
    private const int Objects = 24;

    private readonly GateObjectStore _store = new();
    private readonly ObjectKeys _keys = new();
    private readonly List<RingNode> _nodes = [];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (RingNode node in _nodes)
            await node.DisposeAsync();
    }

    [Fact]
    public async Task A_zone_reads_each_chunk_once_however_many_of_its_nodes_want_it()
    {
        Start("a", "a", "a");
        ObjectId[] ids = WriteObjects();
        _store.Close();
        Task<byte>[] reads = [.. ids.SelectMany(id => _nodes.SelectMany(node => new[] { node.FirstByteAsync(id), node.FirstByteAsync(id) }))];
        await TestPeer.UntilAsync(() => _store.GetsUnderWay == Objects, "one read for each chunk");
        _store.Open();
        byte[] found = await Task.WhenAll(reads);

        Assert.Equal(ids.SelectMany((_, i) => Enumerable.Repeat((byte)i, 6)), found);
        Assert.Equal(Objects, _store.Gets);
        Assert.All(_nodes, static node => Assert.InRange(node.Peer.Sums["warp.cache.ring.reads", "read"], 1, 2 * Objects));
    }

    [Fact]
    public async Task Each_zone_reads_for_itself()
    {
        Start("a", "a", "b", "b");
        ObjectId[] ids = WriteObjects();
        await Task.WhenAll(ids.SelectMany(id => _nodes.Select(node => node.FirstByteAsync(id))));
        Assert.All(ids, id => Assert.Equal(2, _store.GetsOf(_keys.Object(0, id))));
    }

    [Fact]
    public async Task What_a_node_writes_is_with_its_owners_before_anybody_asks()
    {
        Start("a", "a", "a");
        var random = new Random(5);
        var objects = new List<EncodedObject>();
        for (int i = 0; i < 8; i++)
        {
            EncodedObject encoded = ObjectSamples.Encode(random, [.. ObjectSamples.Batches(random, 20)]);
            objects.Add(encoded);
            _nodes[0].Ring.Offer(encoded);
            _nodes[0].Cache.Offer(encoded);
        }
        await TestPeer.UntilAsync(
            () => objects.Sum(encoded => encoded.Blocks.Count)
                == _nodes[0].Peer.Sums["warp.cache.ring.offers", "sent"] + objects.Sum(OwnBlocks),
            "all chunks to be where they belong");

        foreach (EncodedObject encoded in objects)
        {
            foreach (RingNode node in _nodes)
            {
                using ChunkLease lease = await node.Cache.GetAsync(encoded.Id, _keys.Object(0, encoded.Id), 0, encoded.Length, Stop);
                Assert.True(lease.Memory.Span.SequenceEqual(encoded.Content[0].Span));
            }
            encoded.Dispose();
        }
        Assert.Equal(0, _store.Gets);

        int OwnBlocks(EncodedObject encoded) =>
            Enumerable.Range(0, encoded.Blocks.Count).Count(i => _nodes[0].Ring.IsOwn(new ChunkKey(encoded.Id, i)));
    }

    [Fact]
    public async Task A_chunk_whose_owner_is_gone_is_read_from_the_store()
    {
        Start("a", "a");
        ObjectId[] ids = WriteObjects();
        await _nodes[1].Peer.Listener.DisposeAsync();
        for (int i = 0; i < ids.Length; i++)
            Assert.Equal(i, await _nodes[0].FirstByteAsync(ids[i]));
        Assert.Equal(Objects, _store.Gets);
    }

    [Fact]
    public async Task Nodes_that_do_not_agree_who_is_there_answer_each_other_all_the_same()
    {
        Start("a", "a");
        ObjectId[] ids = WriteObjects();
        // Each takes the other for the owner of everything.
        foreach (RingNode node in _nodes)
            node.Membership.Publish(Members(node.Peer, _nodes.Where(other => other != node)));
        byte[][] found = await Task.WhenAll(_nodes.Select(node => Task.WhenAll(ids.Select(node.FirstByteAsync))));
        Assert.All(found, static bytes => Assert.Equal(Enumerable.Range(0, Objects).Select(static i => (byte)i), bytes));
    }

    [Fact]
    public void Chunks_spread_over_the_nodes_and_only_those_of_a_node_that_goes_move()
    {
        Start("a", "a", "a");
        ChunkKey[] chunks = [.. Enumerable.Range(0, 600).Select(static i => new ChunkKey(ObjectId.Mint(ObjectSamples.CreatedAt, new Random(i)), i % 3))];
        int[] owners = [.. chunks.Select(OwnerOf)];
        Assert.All(Enumerable.Range(0, 3), node => Assert.InRange(owners.Count(owner => owner == node), 140, 260));
        foreach (RingNode node in _nodes)
            node.Membership.Publish(Members(node.Peer, _nodes.Take(2)));
        for (int i = 0; i < chunks.Length; i++)
        {
            if (owners[i] != 2)
                Assert.Equal(owners[i], OwnerOf(chunks[i]));
        }

        int OwnerOf(ChunkKey chunk) => _nodes.FindIndex(node => node.Ring.IsOwn(chunk));
    }

    private static ClusterMembers Members(TestPeer self, IEnumerable<RingNode> nodes)
    {
        DateTimeOffset now = DateTimeOffset.UnixEpoch;
        return new ClusterMembers(self.Identity.Node, [.. nodes.Select(node => node.Row(now))], now, TimeSpan.FromSeconds(10));
    }

    private void Start(params string[] zones)
    {
        for (int i = 0; i < zones.Length; i++)
            _nodes.Add(new RingNode(i + 1, zones[i], _store, _keys));
        foreach (RingNode node in _nodes)
            node.Membership.Publish(Members(node.Peer, _nodes));
    }

    /// <summary>Objects of one byte each, their number.</summary>
    private ObjectId[] WriteObjects()
    {
        var random = new Random(7);
        ObjectId[] ids = [.. Enumerable.Range(0, Objects).Select(_ => ObjectId.Mint(ObjectSamples.CreatedAt, random))];
        for (int i = 0; i < ids.Length; i++)
            _store.Add(_keys.Object(0, ids[i]), [(byte)i]);
        return ids;
    }

    private sealed class RingNode : IAsyncDisposable
    {
        private readonly ClusterPeers _peers;
        private readonly ObjectKeys _keys;
        private readonly string _zone;

        public RingNode(int id, string zone, GateObjectStore store, ObjectKeys keys)
        {
            (_keys, _zone) = (keys, zone);
            Peer = new TestPeer(id,
            [
                new DelegatePeerHandler<ReadChunkRequest>(
                    PrivateApis.ReadChunk, (request, context) => new ReadChunkHandler(Cache!, keys).HandleAsync(request, context)),
                new DelegatePeerHandler<OfferChunkRequest>(
                    PrivateApis.OfferChunk, (request, context) => new OfferChunkHandler(Cache!).HandleAsync(request, context)),
            ]);
            Membership = new ClusterMembership(new ClusterMembers(Peer.Identity.Node, [], default, TimeSpan.FromSeconds(10)));
            _peers = new ClusterPeers(Peer.System, Peer.Network, Membership);
            Ring = new ChunkRing(Peer.System, Membership, _peers, keys, zone, "default", Peer.Meter);
            Cache = new ChunkCache(store, 256 << 20, Peer.Meter, Ring);
        }

        public TestPeer Peer { get; }

        public ClusterMembership Membership { get; }

        public ChunkRing Ring { get; }

        public ChunkCache Cache { get; }

        public NodeRow Row(DateTimeOffset now) => new(
            Peer.Identity.Node,
            new NodeDescription(
                new NodeAddress("127.0.0.1", 1), new NodeAddress("127.0.0.1", Peer.Listener.BoundPort), new NodeAddress("127.0.0.1", 2), _zone,
                "default", 15, "1", 1),
            now,
            NodeStatus.Well);

        public async Task<byte> FirstByteAsync(ObjectId id)
        {
            using ChunkLease lease = await Cache.GetAsync(id, _keys.Object(0, id), 0, 1, Stop);
            return lease.Memory.Span[0];
        }

        public async ValueTask DisposeAsync()
        {
            Cache.Dispose();
            Ring.Dispose();
            _peers.Dispose();
            await Peer.DisposeAsync();
        }
    }
}

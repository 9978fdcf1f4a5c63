using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Actors.Sequencing;
using Warp.Specs.Hosting;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Cluster.Peers;

/// <summary>A real sequencer, asked from another node through a network that breaks.</summary>
public sealed class RemoteSequencerSpec : IAsyncLifetime
{
    private static readonly TopicPartition s_partition = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"), 0);

    private JournaledNode _node = null!;
    private TestPeer _server = null!;
    private TestPeer _asker = null!;
    private TcpProxy _proxy = null!;
    private PeerActorClient _client = null!;
    private Committer _commits = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PeerAddress Address => _server.AddressAt(_proxy.Port);

    public async ValueTask InitializeAsync()
    {
        _node = await JournaledNode.StartAsync();
        await _node.OpenAsync(s_partition);
        _server = new TestPeer(1, PeerActorHandlers.All(new LocalActors(_node), _node.System));
        _proxy = new TcpProxy(_server.Listener.BoundPort);
        _asker = new TestPeer(2, change: static settings => settings with { LongestPause = TimeSpan.FromMilliseconds(50) });
        _client = new PeerActorClient(
            _asker.Network, _asker.System, new PublishedCatalog(ImmutableSortedDictionary<string, string>.Empty));
        _commits = new Committer(_asker.Identity.Node, new Random(1), () => _node.Leases.Clock.Now);
    }

    public async ValueTask DisposeAsync()
    {
        await _asker.DisposeAsync();
        await _proxy.DisposeAsync();
        await _server.DisposeAsync();
        await _node.DisposeAsync();
    }

    [Fact]
    public async Task A_batch_that_came_ahead_of_its_predecessor_is_answered_after_it()
    {
        await CommitAsync(_commits.Next(From(s_partition, 7, 0)));
        CommitReply ahead = await CommitAsync(_commits.Next(From(s_partition, 7, 2)));
        Assert.False(ahead.Batches[0].Held!.IsCompleted);
        CommitReply between = await CommitAsync(_commits.Next(From(s_partition, 7, 1)));
        Assert.Equal(1, between.Batches[0].Answer.BaseOffset);
        Assert.Equal(new BatchAnswer(ErrorCode.None, 2, 0), (await ahead.Batches[0].Held!) with { LogStartOffset = 0 });
    }

    [Fact]
    public async Task A_commit_whose_answer_was_lost_gets_it_when_it_is_repeated()
    {
        for (int i = 0; i < 20; i++)
        {
            ObjectCommit commit = _commits.Next(From(s_partition, 7, i));
            Task<CommitReply> reply = CommitAsync(commit);
            if (i % 2 == 0)
                _proxy.Cut();
            Assert.Equal((ErrorCode.None, i), ((await reply).Batches[0].Answer.Error, (await reply).Batches[0].Answer.BaseOffset));
        }
    }

    [Fact]
    public async Task A_watch_hears_of_what_another_node_has_written()
    {
        var watcher = new Watcher();
        var watch = new SequencerMessage.Watch([(s_partition, 0)], watcher);
        Task watched = _client.SendAsync(Address, 0, watch, TestPeer.Patience, Cancellation);
        var written = new Reply<CommitReply>();
        ObjectCommit commit = new Committer(_node.Node, new Random(2), () => _node.Leases.Clock.Now).Next(Batch(s_partition));
        _node.Sequencer.Tell(new SequencerMessage.Commit(commit, written));
        await watched;
        Assert.True(watcher.IsSignalled);
    }

    /// <summary>Sends it until it is answered.</summary>
    private async Task<CommitReply> CommitAsync(ObjectCommit commit)
    {
        var message = new SequencerMessage.Commit(commit, new Reply<CommitReply>());
        while (!message.Reply.Task.IsCompleted)
        {
            try
            {
                await _client.SendAsync(Address, 0, message, TestPeer.Patience, Cancellation);
            }
            catch (PeerCallException error) when (error.Failure != PeerFailure.Refused)
            {
                await Task.Delay(10, Cancellation);
            }
        }
        return await message.Reply.Task;
    }

    private sealed class Watcher : IPartitionWatcher
    {
        private volatile bool _isSignalled;

        public bool IsSignalled => _isSignalled;

        public bool IsDone => false;

        public void Signal() => _isSignalled = true;
    }

    private sealed class LocalActors(JournaledNode node) : ILocalActors
    {
        public ActorRef<SequencerMessage> Sequencer(int shardId) =>
            shardId == 0 ? node.Sequencer : throw ILocalActors.NotOwner(shardId, -1);

        public ActorRef<CatalogMessage> Catalog() => throw ILocalActors.NotOwner(1000, -1);

        public ActorRef<CompactionMessage> Compaction() => throw ILocalActors.NotOwner(1001, -1);
    }
}

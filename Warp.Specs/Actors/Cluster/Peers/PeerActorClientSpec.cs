using System.Collections.Immutable;
using System.Reflection;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Cluster.Peers;

/// <summary>Messages to actors of another node, over a real connection.</summary>
public sealed class PeerActorClientSpec : IAsyncLifetime
{
    private const int Samples = 20;
    private const int ShardId = 7;

    private readonly ActorSystem _system = new(TimeProvider.System, new Random(1));
    private readonly LocalActors _local;
    private TestPeer _server = null!;
    private TestPeer _asker = null!;
    private PeerActorClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public PeerActorClientSpec() => _local = new LocalActors(_system);

    public ValueTask InitializeAsync()
    {
        _server = new TestPeer(1, PeerActorHandlers.All(_local, _system));
        _asker = new TestPeer(2);
        _client = new PeerActorClient(
            _asker.Network, _asker.System, new PublishedCatalog(ImmutableSortedDictionary<string, string>.Empty));
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _asker.DisposeAsync();
        await _server.DisposeAsync();
        await _system.DisposeAsync();
    }

    [Fact]
    public async Task Every_message_to_a_sequencer_arrives_as_it_was_sent_and_so_does_its_answer()
    {
        var random = new RandomActorMessages(new Random(TestRun.TakeSeed()));
        string[] internals = [nameof(SequencerMessage.ExpireProducers), nameof(SequencerMessage.Watch)];
        foreach (Type type in MessagesOf(typeof(SequencerMessage)).Where(type => !internals.Contains(type.Name)))
        {
            for (int i = 0; i < Samples; i++)
            {
                var message = (SequencerMessage)random.Make(type);
                object answer = message is SequencerMessage.Commit commit ? ReplyTo(commit, random) : AnswerTo(message, random)!;
                await AssertTravelsAsync(
                    message, answer, _local.Sequencers, () => SendAsync(message));
            }
        }
    }

    [Fact]
    public async Task Every_message_to_the_catalog_arrives_as_it_was_sent_and_so_does_its_answer()
    {
        var random = new RandomActorMessages(new Random(TestRun.TakeSeed()));
        foreach (Type type in MessagesOf(typeof(CatalogMessage)).Where(static type => type.Name != nameof(CatalogMessage.ReadImage)))
        {
            for (int i = 0; i < Samples; i++)
            {
                var message = (CatalogMessage)random.Make(type);
                await AssertTravelsAsync(
                    message,
                    AnswerTo(message, random),
                    _local.Catalogs,
                    () => _client.SendAsync(_server.Address, message, TestPeer.Patience, Cancellation));
            }
        }
    }

    [Fact]
    public async Task Every_message_to_the_compaction_planner_arrives_as_it_was_sent_and_so_does_its_answer()
    {
        var random = new RandomActorMessages(new Random(TestRun.TakeSeed()));
        foreach (Type type in MessagesOf(typeof(CompactionMessage)))
        {
            for (int i = 0; i < Samples; i++)
            {
                var message = (CompactionMessage)random.Make(type);
                await AssertTravelsAsync(
                    message,
                    AnswerTo(message, random),
                    _local.Planners,
                    () => _client.SendAsync(_server.Address, message, TestPeer.Patience, Cancellation));
            }
        }
    }

    [Fact]
    public async Task What_only_the_actor_itself_sends_does_not_travel()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _client.SendAsync(
            _server.Address, 0, new SequencerMessage.ExpireProducers(DateTimeOffset.UnixEpoch), TestPeer.Patience, Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => _client.SendAsync(
            _server.Address, new CatalogMessage.ReadImage(new Reply<CatalogImage>()), TestPeer.Patience, Cancellation));
    }

    [Fact]
    public async Task The_configs_in_effect_of_a_topic_are_made_up_of_those_of_this_node()
    {
        var published = new PublishedCatalog(ImmutableSortedDictionary<string, string>.Empty.Add("log.retention.ms", "12345"));
        var client = new PeerActorClient(_asker.Network, _asker.System, published);
        TopicImage topic = new RandomActorMessages(new Random(1)).Make<TopicImage>() with
        {
            Overrides = ImmutableSortedDictionary<string, string>.Empty.Add("segment.bytes", "2097152"),
        };
        _local.Catalogs.Answer = static (message, answer) => ((CatalogMessage.DeleteTopic)message).Reply.Set((TopicResult)answer!);
        _local.Catalogs.Next = new TopicResult(ErrorCode.None, null, topic);
        var reply = new Reply<TopicResult>();
        await client.SendAsync(_server.Address, new CatalogMessage.DeleteTopic(topic.Id, reply), TestPeer.Patience, Cancellation);
        Assert.Equal(12345, (await reply.Task).Topic!.Config.RetentionMs);
    }

    [Fact]
    public async Task A_node_that_does_not_own_the_shard_says_so_and_the_message_can_be_sent_elsewhere()
    {
        _local.Epoch = 17;
        SequencerMessage.DeleteTopic message = Delete();
        PeerCallException error = await Assert.ThrowsAsync<PeerCallException>(() => SendAsync(message));
        Assert.Equal((PeerFailure.Refused, PeerError.NotOwner, 17), (error.Failure, error.Error, error.Epoch));
        Assert.False(message.Reply.Task.IsCompleted);

        _local.Epoch = null;
        _local.Sequencers.Answer = static (message, _) => ((SequencerMessage.DeleteTopic)message).Reply.Set(ErrorCode.None);
        await SendAsync(message);
        Assert.Equal(ErrorCode.None, await message.Reply.Task);
    }

    [Fact]
    public async Task An_actor_that_stops_is_seen_as_stopped()
    {
        _local.Sequencers.Answer = static (message, _) => ((IAsk)message).Fail(new ActorStoppedException("sequencer-7"));
        SequencerMessage.DeleteTopic message = Delete();
        await SendAsync(message);
        await Assert.ThrowsAsync<ActorStoppedException>(() => message.Reply.Task);
    }

    [Fact]
    public async Task A_journal_that_refuses_is_seen_as_such()
    {
        _local.Sequencers.Answer = static (message, _) => ((IAsk)message).Fail(new JournalException("the disk is full"));
        SequencerMessage.DeleteTopic message = Delete();
        await SendAsync(message);
        JournalException error = await Assert.ThrowsAsync<JournalException>(() => message.Reply.Task);
        Assert.Contains("the disk is full", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_actor_that_does_not_answer_in_time_leaves_the_message_open()
    {
        _local.Sequencers.Answer = static (_, _) => { };
        SequencerMessage.DeleteTopic message = Delete();
        try
        {
            await _client.SendAsync(_server.Address, ShardId, message, TimeSpan.FromSeconds(1), Cancellation);
            await Assert.ThrowsAsync<ActorStoppedException>(() => message.Reply.Task);
        }
        catch (PeerCallException error)
        {
            Assert.Equal((PeerFailure.Unknown, PeerError.DeadlinePassed), (error.Failure, error.Error));
            Assert.False(message.Reply.Task.IsCompleted);
        }
        // The other side has let go of the question.
        await TestPeer.UntilAsync(
            () => _local.Sequencers.Received is SequencerMessage.DeleteTopic { Reply.Task.IsFaulted: true }, "the question to be given up");
    }

    [Fact]
    public async Task A_held_batch_is_answered_when_its_predecessor_came()
    {
        var held = new TaskCompletionSource<BatchAnswer>();
        SequencerMessage.Commit commit = CommitOf(3);
        var answer = new BatchAnswer(ErrorCode.None, 5, 1);
        _local.Sequencers.Answer = (message, _) => ((SequencerMessage.Commit)message).Reply.Set(
            new CommitReply(CommitRefusal.None, [new(answer), new(default, held.Task), new(answer)]));
        await SendAsync(commit);
        CommitReply reply = await commit.Reply.Task;
        Assert.Null(reply.Batches[0].Held);
        Assert.Equal(answer, reply.Batches[2].Answer);
        Assert.False(reply.Batches[1].Held!.IsCompleted);
        held.SetResult(new BatchAnswer(ErrorCode.OutOfOrderSequenceNumber, -1, 3));
        Assert.Equal(new BatchAnswer(ErrorCode.OutOfOrderSequenceNumber, -1, 3), await reply.Batches[1].Held!);
    }

    [Fact]
    public async Task A_held_batch_survives_a_broken_connection()
    {
        await using var proxy = new TcpProxy(_server.Listener.BoundPort);
        var held = new TaskCompletionSource<BatchAnswer>();
        SequencerMessage.Commit commit = CommitOf(1);
        _local.Sequencers.Answer = (message, _) => ((SequencerMessage.Commit)message).Reply.Set(
            new CommitReply(CommitRefusal.None, [new(default, held.Task)]));
        PeerAddress address = _server.AddressAt(proxy.Port);
        await _client.SendAsync(address, ShardId, commit, TestPeer.Patience, Cancellation);
        Task<BatchAnswer> answer = (await commit.Reply.Task).Batches[0].Held!;
        proxy.Cut();
        await TestPeer.UntilAsync(() => proxy.AcceptedCount == 2, "the connection to be opened anew");
        held.SetResult(new BatchAnswer(ErrorCode.None, 8, 0));
        Assert.Equal(8, (await answer).BaseOffset);
    }

    [Fact]
    public async Task A_held_batch_is_lost_with_the_sequencer_that_held_it()
    {
        var held = new TaskCompletionSource<BatchAnswer>();
        SequencerMessage.Commit commit = CommitOf(1);
        _local.Sequencers.Answer = (message, _) => ((SequencerMessage.Commit)message).Reply.Set(
            new CommitReply(CommitRefusal.None, [new(default, held.Task)]));
        await SendAsync(commit);
        Task<BatchAnswer> answer = (await commit.Reply.Task).Batches[0].Held!;
        held.SetException(new ActorStoppedException("sequencer-7"));
        await Assert.ThrowsAsync<ActorStoppedException>(() => answer);
    }

    [Fact]
    public async Task What_nobody_holds_is_not_found()
    {
        PeerCallException error = await Assert.ThrowsAsync<PeerCallException>(() => _asker.Network.CallAsync<AwaitHeldBatchResponse>(
            _server.Address, new AwaitHeldBatchRequest { ShardId = 3 }, TestPeer.Patience, Cancellation));
        Assert.Equal(PeerError.NotFound, error.Error);
    }

    [Fact]
    public async Task A_watcher_is_signalled_by_what_happens_on_the_other_node()
    {
        _local.Sequencers.Answer = static (_, _) => { };
        var watcher = new Watcher();
        Task sent = SendAsync(new SequencerMessage.Watch([(new TopicPartition(Guid.Empty, 1), 5)], watcher));
        await TestPeer.UntilAsync(() => _local.Sequencers.Received is SequencerMessage.Watch, "the watch to arrive");
        var watch = (SequencerMessage.Watch)_local.Sequencers.Received!;
        Assert.Equal([(new TopicPartition(Guid.Empty, 1), 5)], watch.Partitions);
        Assert.False(watch.Watcher.IsDone);
        Assert.False(watcher.IsSignalled);
        watch.Watcher.Signal();
        await sent;
        Assert.True(watcher.IsSignalled);
        await TestPeer.UntilAsync(() => watch.Watcher.IsDone, "the watch to be over");
    }

    [Fact]
    public async Task A_watcher_that_waits_no_more_is_not_waited_for_on_the_other_node()
    {
        _local.Sequencers.Answer = static (_, _) => { };
        var watcher = new Watcher();
        using var done = new CancellationTokenSource();
        Task sent = SendAsync(new SequencerMessage.Watch([(new TopicPartition(Guid.Empty, 1), 5)], watcher, done.Token));
        await TestPeer.UntilAsync(() => _local.Sequencers.Received is SequencerMessage.Watch, "the watch to arrive");
        watcher.IsDone = true;
        await done.CancelAsync();
        await sent;
        Assert.False(watcher.IsSignalled);
        await TestPeer.UntilAsync(() => ((SequencerMessage.Watch)_local.Sequencers.Received!).Watcher.IsDone, "the watch to be over");
    }

    [Fact]
    public async Task A_watch_is_answered_when_its_time_is_over()
    {
        _local.Sequencers.Answer = static (_, _) => { };
        WatchPartitionsResponse response = await _asker.Network.CallAsync<WatchPartitionsResponse>(
            _server.Address, new WatchPartitionsRequest { WaitMs = 50 }, TestPeer.Patience, Cancellation);
        Assert.False(response.IsSignalled);
    }

    [Fact]
    public async Task A_watch_of_a_shard_that_has_moved_can_be_taken_elsewhere()
    {
        _local.Epoch = 4;
        var watcher = new Watcher();
        PeerCallException error = await Assert.ThrowsAsync<PeerCallException>(
            () => SendAsync(new SequencerMessage.Watch([(new TopicPartition(Guid.Empty, 1), 5)], watcher)));
        Assert.Equal((PeerError.NotOwner, 4), (error.Error, error.Epoch));
        Assert.False(watcher.IsSignalled);
        PeerActorClient.Fail("sequencer-7", new SequencerMessage.Watch([], watcher), error);
        Assert.True(watcher.IsSignalled);
    }

    [Fact]
    public async Task Long_polls_do_not_keep_other_calls_waiting()
    {
        await using var server = new TestPeer(
            3, PeerActorHandlers.All(_local, _system), settings => settings with { MaxRequests = 2, MaxLongPolls = 50 });
        _local.Sequencers.Answer = static (message, _) => (message as SequencerMessage.DeleteTopic)?.Reply.Set(ErrorCode.None);
        using var done = new CancellationTokenSource();
        Task[] watches = [.. Enumerable.Range(0, 50).Select(i => _client.SendAsync(
            server.Address, i, new SequencerMessage.Watch([], new Watcher(), done.Token), TestPeer.Patience, Cancellation))];
        for (int i = 0; i < 20; i++)
        {
            SequencerMessage.DeleteTopic message = Delete();
            await _client.SendAsync(server.Address, ShardId, message, TestPeer.Patience, Cancellation);
            Assert.Equal(ErrorCode.None, await message.Reply.Task);
        }
        await done.CancelAsync();
        await Task.WhenAll(watches);
    }

    [Fact]
    public async Task A_worker_that_finds_no_job_in_time_asks_again()
    {
        _local.Planners.Answer = static (_, _) => { };
        TakeCompactionJobResponse response = await _asker.Network.CallAsync<TakeCompactionJobResponse>(
            _server.Address, new TakeCompactionJobRequest { WaitMs = 50, NodeId = 3, Incarnation = 4 }, TestPeer.Patience, Cancellation);
        Assert.Null(response.Job);
        var taken = Assert.IsType<CompactionMessage.TakeJob>(_local.Planners.Received);
        Assert.Equal(new NodeIncarnation(3, 4), taken.Worker);
        // The planner can see that nobody waits.
        await TestPeer.UntilAsync(() => taken.Reply.Task.IsCompleted, "the question to be given up");
    }

    [Fact]
    public async Task A_topic_whose_partitions_take_too_long_is_told_as_such_and_the_others_are_there()
    {
        var random = new RandomActorMessages(new Random(1));
        var ready = new TopicResult(ErrorCode.None, null, random.Make<TopicImage>());
        var never = new TaskCompletionSource<TopicResult>();
        _local.Catalogs.Answer = (message, _) => ((CatalogMessage.CreateTopics)message).Reply.Set(
            [Task.FromResult(ready), never.Task, Task.FromException<TopicResult>(new JournalException("full"))]);
        var reply = new Reply<IReadOnlyList<Task<TopicResult>>>();
        await _client.SendAsync(
            _server.Address, new CatalogMessage.CreateTopics([], false, reply), TimeSpan.FromSeconds(2), Cancellation);
        TopicResult[] results = await Task.WhenAll(await reply.Task);
        Assert.Equal(
            [ErrorCode.None, ErrorCode.RequestTimedOut, ErrorCode.RequestTimedOut], results.Select(static result => result.Error));
        Assert.Equal(ready.Topic!.Name, results[0].Topic!.Name);
    }

    [Fact]
    public async Task A_commit_that_is_answered_with_too_few_batches_is_not_believed()
    {
        SequencerMessage.Commit commit = CommitOf(2);
        _local.Sequencers.Answer = static (message, _) => ((SequencerMessage.Commit)message).Reply.Set(
            new CommitReply(CommitRefusal.None, [new(default)]));
        await SendAsync(commit);
        await Assert.ThrowsAsync<ActorStoppedException>(() => commit.Reply.Task);
    }

    private static IEnumerable<Type> MessagesOf(Type type)
    {
        Type[] messages =
            [.. type.GetNestedTypes(BindingFlags.Public).Where(static nested => nested is { IsSealed: true, IsAbstract: false })];
        Assert.NotEmpty(messages);
        return messages;
    }

    private static object ReplyTo(SequencerMessage.Commit commit, RandomActorMessages random)
    {
        CommitRefusal refusal = random.Make<CommitRefusal>();
        return new CommitReply(
            refusal, refusal == CommitRefusal.None ? [.. commit.Object.Batches.Select(_ => random.Make<BatchOutcome>())] : []);
    }

    private static object? AnswerTo(object message, RandomActorMessages random)
    {
        Type answer = message.GetType().GetProperty("Reply")!.PropertyType.GetGenericArguments()[0];
        bool mayBeNull = answer == typeof(CleanablePartition);
        return mayBeNull && random.Make<bool>() ? null : random.Make(answer);
    }

    private static async Task AssertTravelsAsync<TMessage>(TMessage message, object? answer, Recorder<TMessage> actor, Func<Task> send)
        where TMessage : class
    {
        actor.Answer = static (message, answer) =>
        {
            object reply = message.GetType().GetProperty("Reply")!.GetValue(message)!;
            reply.GetType().GetMethod("Set")!.Invoke(reply, [answer]);
        };
        actor.Next = answer;
        await send();
        Assert.Equal(RandomActorMessages.Dump(message), RandomActorMessages.Dump(actor.Received));
        object own = message.GetType().GetProperty("Reply")!.GetValue(message)!;
        var task = (Task)own.GetType().GetProperty("Task")!.GetValue(own)!;
        await task;
        Assert.Equal(RandomActorMessages.Dump(answer), RandomActorMessages.Dump(task));
    }

    private static SequencerMessage.DeleteTopic Delete() => new(Guid.Empty, new Reply<ErrorCode>());

    private static SequencerMessage.Commit CommitOf(int batches)
    {
        var random = new RandomActorMessages(new Random(1));
        BatchToCommit[] made = [.. Enumerable.Range(0, batches).Select(_ => random.Make<BatchToCommit>())];
        return new SequencerMessage.Commit(random.Make<ObjectCommit>() with { Batches = made }, new Reply<CommitReply>());
    }

    private Task SendAsync(SequencerMessage message) =>
        _client.SendAsync(_server.Address, ShardId, message, TestPeer.Patience, Cancellation);

    private sealed class Watcher : IPartitionWatcher
    {
        private volatile bool _isSignalled;

        public bool IsSignalled => _isSignalled;

        public bool IsDone { get; set; }

        public void Signal() => _isSignalled = true;
    }

    /// <summary>What an actor was sent last, and how it answers.</summary>
    private sealed class Recorder<TMessage>
        where TMessage : class
    {
        public volatile TMessage? Received;

        public Action<TMessage, object?> Answer { get; set; } = static (_, _) => { };

        public object? Next { get; set; }
    }

    private sealed class RecordingActor<TMessage>(Recorder<TMessage> recorder) : Actor<TMessage>
        where TMessage : class
    {
        protected override ValueTask ReceiveAsync(TMessage message)
        {
            recorder.Received = message;
            recorder.Answer(message, recorder.Next);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class LocalActors : ILocalActors
    {
        private readonly ActorRef<SequencerMessage> _sequencer;
        private readonly ActorRef<CatalogMessage> _catalog;
        private readonly ActorRef<CompactionMessage> _planner;

        public LocalActors(ActorSystem system)
        {
            _sequencer = system.Spawn("sequencer-7", () => new RecordingActor<SequencerMessage>(Sequencers));
            _catalog = system.Spawn("catalog", () => new RecordingActor<CatalogMessage>(Catalogs));
            _planner = system.Spawn("planner", () => new RecordingActor<CompactionMessage>(Planners));
        }

        public Recorder<SequencerMessage> Sequencers { get; } = new();

        public Recorder<CatalogMessage> Catalogs { get; } = new();

        public Recorder<CompactionMessage> Planners { get; } = new();

        /// <summary>Of the other owner, if this node is none.</summary>
        public long? Epoch { get; set; }

        public ActorRef<SequencerMessage> Sequencer(int shardId) =>
            Epoch is { } epoch ? throw ILocalActors.NotOwner(shardId, epoch) : _sequencer;

        public ActorRef<CatalogMessage> Catalog() => _catalog;

        public ActorRef<CompactionMessage> Compaction() => _planner;
    }
}

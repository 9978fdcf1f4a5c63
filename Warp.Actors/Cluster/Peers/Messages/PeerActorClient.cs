using System.Collections.Frozen;
using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Takes messages to actors that other nodes own, and brings the answers back. Thread-safe.</summary>
/// <remarks>
/// A message has been dealt with when the task ends well: it was answered, or failed as it would have been by an actor of this node. When
/// the task fails the message is as it was, so that it can be sent again, to the same node or another; all messages are safe to repeat.
/// </remarks>
public sealed class PeerActorClient
{
    /// <summary>How long one call of a long poll waits. They go on until somebody has what he waits for, or no longer waits.</summary>
    private static readonly TimeSpan s_poll = TimeSpan.FromSeconds(30);

    /// <summary>What the answer of such a call may take besides.</summary>
    private static readonly TimeSpan s_way = TimeSpan.FromSeconds(5);

    /// <summary>How often it is asked again what became of a held batch, when the connection breaks.</summary>
    private const int HeldAttempts = 5;

    private static readonly FrozenDictionary<Type, IExchange<SequencerMessage>> s_sequencers =
        SequencerExchanges.All.ToFrozenDictionary(static exchange => exchange.MessageType);

    private static readonly FrozenDictionary<Type, IExchange<CompactionMessage>> s_compaction =
        CompactionExchanges.All.ToFrozenDictionary(static exchange => exchange.MessageType);

    private readonly PeerNetwork _network;
    private readonly ActorSystem _system;
    private readonly FrozenDictionary<Type, IExchange<CatalogMessage>> _catalog;

    /// <param name="network">The connections.</param>
    /// <param name="system">Clock and scheduler.</param>
    /// <param name="published">This node's topics and broker configs.</param>
    public PeerActorClient(PeerNetwork network, ActorSystem system, PublishedCatalog published)
    {
        _network = network;
        _system = system;
        _catalog = new CatalogExchanges(published).All.ToFrozenDictionary(static exchange => exchange.MessageType);
    }

    /// <summary>Takes a message to a sequencer.</summary>
    /// <param name="peer">The node that owns the shard.</param>
    /// <param name="shardId">The shard.</param>
    /// <param name="message">The message; one that only the sequencer itself sends does not travel.</param>
    /// <param name="deadline">How long one call may take; a watch takes as long as its watcher waits.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PeerCallException">
    /// Not the owner (<see cref="PeerError.NotOwner"/>, with the epoch), not sent, or nobody knows. The message has no answer yet.
    /// </exception>
    /// <exception cref="OperationCanceledException">Given up. The message has no answer yet.</exception>
    public Task SendAsync(PeerAddress peer, int shardId, SequencerMessage message, TimeSpan deadline, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case SequencerMessage.Commit commit:
                return SendAsync(
                    peer, $"sequencer-{shardId}", commit, () => CommitAsync(peer, shardId, commit, deadline, cancellationToken));
            case SequencerMessage.Watch watch:
                return WatchAsync(peer, shardId, watch, cancellationToken);
        }
        IExchange<SequencerMessage> exchange = Find(s_sequencers, message);
        var request = (IShardRequest)exchange.Request(message);
        request.ShardId = shardId;
        return SendAsync(peer, $"sequencer-{shardId}", exchange, message, request, deadline, cancellationToken);
    }

    /// <summary>Takes a message to the topic catalog; all but the question for its image.</summary>
    /// <inheritdoc cref="SendAsync(PeerAddress, int, SequencerMessage, TimeSpan, CancellationToken)"/>
    public Task SendAsync(PeerAddress peer, CatalogMessage message, TimeSpan deadline, CancellationToken cancellationToken)
    {
        IExchange<CatalogMessage> exchange = Find(_catalog, message);
        return SendAsync(peer, TopicCatalog.Name, exchange, message, exchange.Request(message), deadline, cancellationToken);
    }

    /// <summary>Takes a message to the compaction planner.</summary>
    /// <inheritdoc cref="SendAsync(PeerAddress, int, SequencerMessage, TimeSpan, CancellationToken)"/>
    public Task SendAsync(PeerAddress peer, CompactionMessage message, TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (message is CompactionMessage.TakeJob take)
            return SendAsync(peer, CompactionPlanner.Name, take, () => TakeJobAsync(peer, take, cancellationToken));
        IExchange<CompactionMessage> exchange = Find(s_compaction, message);
        return SendAsync(peer, CompactionPlanner.Name, exchange, message, exchange.Request(message), deadline, cancellationToken);
    }

    /// <summary>Fails a message that will not be sent again, in the way that its asker knows.</summary>
    /// <param name="actor">Whom it was for.</param>
    /// <param name="message">The message.</param>
    /// <param name="failure">How the last attempt ended.</param>
    public static void Fail(string actor, object message, PeerCallException failure) =>
        (message as IAsk)?.Fail(ExchangeRules.FailureOf(actor, failure));

    private static IExchange<TMessage> Find<TMessage>(FrozenDictionary<Type, IExchange<TMessage>> exchanges, TMessage message)
        where TMessage : class =>
        exchanges.TryGetValue(message.GetType(), out IExchange<TMessage>? exchange)
            ? exchange
            : throw new ArgumentException($"{message.GetType().Name} does not travel between nodes.", nameof(message));

    private Task SendAsync<TMessage>(
        PeerAddress peer,
        string actor,
        IExchange<TMessage> exchange,
        TMessage message,
        IRequest request,
        TimeSpan deadline,
        CancellationToken cancellationToken)
        where TMessage : class
    {
        return SendAsync(peer, actor, message, CallAsync);

        async Task CallAsync() =>
            exchange.Answer(message, await _network.CallAsync<IResponse>(peer, request, deadline, cancellationToken));
    }

    /// <summary>Sends a question; what its actor has answered, and be it a failure, goes to the asker.</summary>
    private static async Task SendAsync<TMessage>(PeerAddress peer, string actor, TMessage message, Func<Task> call)
        where TMessage : class
    {
        try
        {
            await call();
        }
        catch (PeerCallException failure) when (IsOfActor(failure))
        {
            Fail($"{actor} of {peer}", message, failure);
        }
    }

    /// <summary>Whether it is the actor that has failed, rather than the way to it.</summary>
    private static bool IsOfActor(PeerCallException failure) => failure is
    {
        Failure: PeerFailure.Refused,
        Error: PeerError.ActorStopped or PeerError.NotWritten or PeerError.Failed or PeerError.TooLarge or PeerError.DeadlinePassed,
    };

    private async Task CommitAsync(
        PeerAddress peer, int shardId, SequencerMessage.Commit commit, TimeSpan deadline, CancellationToken cancellationToken)
    {
        CommitObjectResponse response = await _network.CallAsync<CommitObjectResponse>(
            peer, CommitConversions.ToPeer(shardId, commit.Object), deadline, cancellationToken);
        var refusal = (CommitRefusal)response.Refusal;
        int expected = refusal == CommitRefusal.None ? commit.Object.Batches.Count : 0;
        if (response.Batches.Count != expected)
        {
            throw new PeerCallException(
                PeerFailure.Refused,
                $"{peer} answered a commit of {expected} batches with {response.Batches.Count}.",
                cause: null,
                PeerError.Failed);
        }
        var outcomes = new BatchOutcome[expected];
        for (int i = 0; i < outcomes.Length; i++)
        {
            outcomes[i] = response.Batches[i].Answer is { } answer
                ? new BatchOutcome(answer.FromPeer())
                : new BatchOutcome(default, AwaitHeldAsync(peer, shardId, commit.Object.ObjectId, i));
        }
        commit.Reply.Set(new CommitReply(refusal, outcomes));
    }

    /// <summary>The answer of a held batch. It was in that node's memory only: when that is gone, so is the batch.</summary>
    /// <exception cref="ActorStoppedException">There will be no answer.</exception>
    private async Task<BatchAnswer> AwaitHeldAsync(PeerAddress peer, int shardId, ObjectId objectId, int index)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1), _system.CreateRandom());
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                var request = new AwaitHeldBatchRequest { ShardId = shardId, ObjectId = objectId.ToGuid(), Index = index };
                AwaitHeldBatchResponse response = await _network.CallAsync<AwaitHeldBatchResponse>(
                    peer, request, s_poll, _system.Stopping);
                return response.Answer.FromPeer();
            }
            catch (PeerCallException failure) when (failure.Failure != PeerFailure.Refused && attempt < HeldAttempts)
            {
                await Task.Delay(backoff.Next(), _system.Time, CancellationToken.None);
            }
            catch (Exception error) when (error is PeerCallException or OperationCanceledException)
            {
                throw new ActorStoppedException($"sequencer-{shardId} of {peer}", error);
            }
        }
    }

    private async Task WatchAsync(PeerAddress peer, int shardId, SequencerMessage.Watch watch, CancellationToken cancellationToken)
    {
        var request = new WatchPartitionsRequest
        {
            ShardId = shardId,
            WaitMs = (int)s_poll.TotalMilliseconds,
            Partitions = [.. watch.Partitions.Select(static watched => new WatchPartitionsRequest.WatchedPartition
            {
                TopicId = watched.Partition.TopicId,
                Partition = watched.Partition.Partition,
                Offset = watched.Offset,
            })],
        };
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(watch.Done, cancellationToken);
        try
        {
            while (!watch.Watcher.IsDone)
            {
                WatchPartitionsResponse response = await _network.CallAsync<WatchPartitionsResponse>(
                    peer, request, s_poll + s_way, giveUp.Token);
                if (!response.IsSignalled)
                    continue;
                watch.Watcher.Signal();
                return;
            }
        }
        catch (OperationCanceledException) when (watch.Done.IsCancellationRequested)
        {
            // Nobody waits any more.
        }
    }

    private async Task TakeJobAsync(PeerAddress peer, CompactionMessage.TakeJob take, CancellationToken cancellationToken)
    {
        var request = new TakeCompactionJobRequest
        {
            WaitMs = (int)s_poll.TotalMilliseconds,
            NodeId = take.Worker.NodeId,
            Incarnation = take.Worker.Incarnation,
        };
        while (!take.Reply.Task.IsCompleted)
        {
            TakeCompactionJobResponse response = await _network.CallAsync<TakeCompactionJobResponse>(
                peer, request, s_poll + s_way, cancellationToken);
            if (response.Job is not { } job)
                continue;
            take.Reply.Set(CompactionExchanges.FromOffer(job));
            return;
        }
    }
}

using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Serves what other nodes ask of the actors that this node owns.</summary>
public static class PeerActorHandlers
{
    /// <summary>A handler for each API that is a message to an actor.</summary>
    /// <param name="local">Where the actors are.</param>
    /// <param name="system">Clock and scheduler.</param>
    public static IReadOnlyList<IPeerHandler> All(ILocalActors local, ActorSystem system)
    {
        var held = new HeldOutcomes(system);
        // Only the asking side needs to know this node's configs.
        IReadOnlyList<IExchange<CatalogMessage>> catalog = CatalogExchanges.Serving.All;
        return
        [
            new CommitHandler(local, held),
            new AwaitHeldHandler(held),
            new WatchHandler(local),
            new TakeJobHandler(local),
            .. SequencerExchanges.All.Select(exchange => new ExchangeHandler<SequencerMessage>(
                exchange, request => local.Sequencer(((IShardRequest)request).ShardId))),
            .. catalog.Select(exchange => new ExchangeHandler<CatalogMessage>(exchange, _ => local.Catalog())),
            .. CompactionExchanges.All.DistinctBy(static exchange => exchange.ApiKey)
                .Select(exchange => new ExchangeHandler<CompactionMessage>(exchange, _ => local.Compaction())),
        ];
    }

    /// <summary>How long a long poll waits: as long as asked for, but so that the answer still comes in time.</summary>
    private static TimeSpan WaitOf(int waitMs, PeerContext context)
    {
        TimeSpan longest = context.Timeout * 0.9;
        TimeSpan wanted = TimeSpan.FromMilliseconds(Math.Max(waitMs, 0));
        return wanted < longest ? wanted : longest;
    }

    private sealed class ExchangeHandler<TMessage>(IExchange<TMessage> exchange, Func<IRequest, ActorRef<TMessage>> find) : IPeerHandler
        where TMessage : class
    {
        public ApiKey ApiKey => exchange.ApiKey;

        public ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context) =>
            exchange.ServeAsync(find(request), request, context);
    }

    private sealed class CommitHandler(ILocalActors local, HeldOutcomes held) : IPeerHandler
    {
        public ApiKey ApiKey => PrivateApis.CommitObject;

        public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
        {
            var commit = (CommitObjectRequest)request;
            ObjectCommit committed = CommitConversions.FromPeer(commit);
            CommitReply reply = await ExchangeRules.AskAsync<SequencerMessage, CommitReply>(
                local.Sequencer(commit.ShardId), answer => new SequencerMessage.Commit(committed, answer), context.CancellationToken);
            for (int i = 0; i < reply.Batches.Count; i++)
            {
                if (reply.Batches[i].Held is { } answer)
                    held.Add(commit.ShardId, committed.ObjectId, i, answer);
            }
            return CommitConversions.ToPeer(reply);
        }
    }

    private sealed class AwaitHeldHandler(HeldOutcomes held) : IPeerHandler
    {
        public ApiKey ApiKey => PrivateApis.AwaitHeldBatch;

        public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
        {
            var asked = (AwaitHeldBatchRequest)request;
            ObjectId id = asked.ObjectId.ToObjectId();
            Task<BatchAnswer> answer = held.Find(asked.ShardId, id, asked.Index)
                ?? throw new PeerErrorException(PeerError.NotFound, $"no batch {asked.Index} of {id} is held here");
            try
            {
                return new AwaitHeldBatchResponse { Answer = (await answer.WaitAsync(context.CancellationToken)).ToPeer() };
            }
            catch (Exception error) when (ExchangeRules.ErrorOf(error) is { } known)
            {
                throw known;
            }
        }
    }

    private sealed class WatchHandler(ILocalActors local) : IPeerHandler
    {
        public ApiKey ApiKey => PrivateApis.WatchPartitions;

        public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
        {
            var watch = (WatchPartitionsRequest)request;
            var watcher = new Watcher(context.CancellationToken);
            (TopicPartition, long)[] partitions =
                [.. watch.Partitions.Select(static watched => (new TopicPartition(watched.TopicId, watched.Partition), watched.Offset))];
            try
            {
                await local.Sequencer(watch.ShardId).TellAsync(
                    new SequencerMessage.Watch(partitions, watcher, context.CancellationToken), context.CancellationToken);
                await watcher.Signalled.WaitAsync(WaitOf(watch.WaitMs, context), context.Time, context.CancellationToken);
                return new WatchPartitionsResponse { IsSignalled = true };
            }
            catch (TimeoutException)
            {
                return new WatchPartitionsResponse();
            }
            finally
            {
                watcher.End();
            }
        }

        private sealed class Watcher(CancellationToken cancellationToken) : IPartitionWatcher
        {
            private readonly TaskCompletionSource _signalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
            private volatile bool _hasEnded;

            public Task Signalled => _signalled.Task;

            public bool IsDone => _hasEnded || cancellationToken.IsCancellationRequested;

            public void Signal() => _signalled.TrySetResult();

            public void End() => _hasEnded = true;
        }
    }

    private sealed class TakeJobHandler(ILocalActors local) : IPeerHandler
    {
        public ApiKey ApiKey => PrivateApis.TakeCompactionJob;

        public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
        {
            var take = (TakeCompactionJobRequest)request;
            using var timeOver = new CancellationTokenSource(WaitOf(take.WaitMs, context), context.Time);
            using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(timeOver.Token, context.CancellationToken);
            try
            {
                CompactionJob job = await ExchangeRules.AskAsync<CompactionMessage, CompactionJob>(
                    local.Compaction(),
                    reply => new CompactionMessage.TakeJob(new NodeIncarnation(take.NodeId, take.Incarnation), reply),
                    giveUp.Token);
                return new TakeCompactionJobResponse { Job = CompactionExchanges.ToOffer(job) };
            }
            catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
            {
                return new TakeCompactionJobResponse();
            }
        }
    }
}

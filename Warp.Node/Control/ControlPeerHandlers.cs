using Warp.Actors.Cluster;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;

namespace Warp.Node.Control;

/// <summary>Carries out what operators have told another node to have done here.</summary>
internal static class ControlPeerHandlers
{
    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(10);

    /// <summary>The handlers.</summary>
    /// <param name="member">This node's part in the cluster, once it takes part.</param>
    /// <param name="control">What it can be told, once it has started.</param>
    public static IEnumerable<IPeerHandler> All(Func<ActorRef<MemberMessage>> member, Func<NodeControl?> control)
    {
        return
        [
            new Handler<SetDrainingRequest>(PrivateApis.SetDraining, async (request, token) => new SetDrainingResponse
            {
                Shards = await Require().Nodes.SetOwnDrainingAsync(request.IsDraining, token),
            }),
            new Handler<LeaveClusterRequest>(PrivateApis.LeaveCluster, (_, _) =>
            {
                Require().Leave();
                return Task.FromResult<IResponse>(new LeaveClusterResponse());
            }),
            new Handler<MoveShardRequest>(PrivateApis.MoveShard, async (request, token) =>
            {
                ShardMoves moves = await member().AskAsync<ShardMoves>(
                    reply => new MemberMessage.MoveShard(request.ShardId, request.NodeId, reply), s_ask, token);
                return new MoveShardResponse
                {
                    Refusal = moves.Refusal,
                    Moves = [.. moves.Moves.Select(static move => new MoveShardResponse.MovedShard { ShardId = move.ShardId, NodeId = move.NodeId ?? -1 })],
                };
            }),
            new Handler<RebalanceShardsRequest>(PrivateApis.RebalanceShards, async (_, token) =>
            {
                ShardMoves moves = await member().AskAsync<ShardMoves>(static reply => new MemberMessage.Rebalance(reply), s_ask, token);
                return new RebalanceShardsResponse
                {
                    Moves =
                    [
                        .. moves.Moves.Select(static move => new RebalanceShardsResponse.RebalancedShard
                        {
                            ShardId = move.ShardId,
                            NodeId = move.NodeId ?? -1,
                        }),
                    ],
                };
            }),
            new Handler<SweepStoreRequest>(
                PrivateApis.SweepStore, async (request, token) => await Require().Store.SweepForPeerAsync(request, token)),
            new Handler<SurveyGroupsRequest>(
                PrivateApis.SurveyGroups, async (request, token) => await Require().Survey.RunAsync(request.GroupId, token)),
        ];

        NodeControl Require() => control() ?? throw ControlException.Unavailable("The node is starting.");
    }

    private sealed class Handler<TRequest>(ApiKey key, Func<TRequest, CancellationToken, Task<IResponse>> handle) : IPeerHandler
        where TRequest : class, IRequest
    {
        public ApiKey ApiKey => key;

        public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
        {
            try
            {
                return await handle((TRequest)request, context.CancellationToken);
            }
            catch (Exception error) when (error is ControlException or NotShardCoordinatorException or LineageException or ObjectStoreException
                or JournalException or OwnershipLostException or TimeoutException or ActorStoppedException)
            {
                throw new PeerErrorException(PeerError.Failed, error.Message);
            }
        }
    }
}

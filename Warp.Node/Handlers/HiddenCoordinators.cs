using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Groups;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Node.Handlers;

/// <summary>Passes on by the private API PassOn.</summary>
/// <param name="cluster">Says which nodes clients see.</param>
/// <param name="groups">Says who owns groups.</param>
/// <param name="peers">The way to them.</param>
/// <param name="log">Told of owners that do not answer.</param>
/// <param name="draining">Cancelled when this node lets go of those who wait.</param>
public sealed partial class HiddenCoordinators(
    ClusterView cluster, GroupRegion groups, ClusterPeers peers, ILogger<HiddenCoordinators> log, CancellationToken draining) : IHiddenCoordinators
{
    private readonly ConcurrentDictionary<NodeIncarnation, SemaphoreSlim> _turns = new();

    /// <inheritdoc/>
    public NodeIncarnation? OwnerOf(string groupId) =>
        groups.HomeOf(groupId).Owner is { } owner && cluster.Hides(owner.NodeId) ? owner : null;

    /// <inheritdoc/>
    public IEnumerable<NodeIncarnation> Listed() =>
        groups.Owners.Where(owner => cluster.Hides(owner.NodeId) && cluster.CoordinatorFor($"{owner.NodeId}", owner.NodeId) == cluster.Self);

    /// <inheritdoc/>
    public async Task<IResponse?> PassOnAsync(NodeIncarnation owner, RequestContext context, IRequest request)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(context.ConnectionClosed, draining);
        try
        {
            using PassOnResponse answer = await await SendAsync(owner, Envelope(context, request), giveUp.Token);
            // The bytes in it are to outlive the frame.
            var reader = new WireReader(answer.Body.ToArray());
            return ApiSpecs.Get(request.ApiKey).ReadResponse(ref reader, context.Version);
        }
        catch (Exception error) when (error is PeerCallException or MalformedMessageException)
        {
            LogNoAnswer(request.ApiKey, owner, error.Message);
            return null;
        }
        catch (OperationCanceledException) when (!context.ConnectionClosed.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Sends a request, and returns when it is on its way: not before those that were passed on earlier are.</summary>
    private async Task<Task<PassOnResponse>> SendAsync(NodeIncarnation owner, PassOnRequest request, CancellationToken cancellationToken)
    {
        SemaphoreSlim turn = _turns.GetOrAdd(owner, static _ => new SemaphoreSlim(1));
        await turn.WaitAsync(cancellationToken);
        try
        {
            await peers.OpenAsync(owner, cancellationToken);
            return peers.CallAsync<PassOnResponse>(owner, request, Timeout.InfiniteTimeSpan, cancellationToken);
        }
        finally
        {
            turn.Release();
        }
    }

    private static PassOnRequest Envelope(RequestContext context, IRequest request)
    {
        using var writer = new WireWriter();
        request.Write(writer, context.Version);
        return new PassOnRequest
        {
            KafkaApi = (short)request.ApiKey,
            KafkaVersion = context.Version,
            ClientId = context.Header.ClientId,
            ClientHost = context.ClientHost,
            Body = writer.ToArray(),
        };
    }

    [LoggerMessage(LogLevel.Information, "{Api} was passed on to node {Owner}, which did not answer: {Reason}")]
    private partial void LogNoAnswer(ApiKey api, NodeIncarnation owner, string reason);
}

using Warp.Actors.Persistence;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Answers the requests of one private API. Thread-safe.</summary>
public interface IPeerHandler
{
    /// <summary>One of <see cref="PrivateApis"/>.</summary>
    ApiKey ApiKey { get; }

    /// <summary>The lowest version that it serves; what the handshake tells.</summary>
    short MinVersion => PrivateApis.Get(ApiKey).MinVersion;

    /// <summary>The highest one.</summary>
    short MaxVersion => PrivateApis.Get(ApiKey).MaxVersion;

    /// <summary>
    /// Answers a request, at once or much later. Its first part runs where the connection is read: what computes long must go elsewhere.
    /// </summary>
    /// <param name="request">Bytes and records in it are valid until the answer; who wants them for longer takes a reference to
    /// <see cref="PeerContext.Frame"/>.</param>
    /// <param name="context">Who asks, and for how long.</param>
    /// <exception cref="PeerErrorException">The answer is an error.</exception>
    /// <exception cref="OperationCanceledException">The context's; nobody waits any more.</exception>
    ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context);
}

/// <summary>What a handler is told of a request besides its content.</summary>
/// <param name="Peer">The node that asks.</param>
/// <param name="FeatureLevel">The highest that it knows.</param>
/// <param name="Version">Of the request and of its response.</param>
/// <param name="Timeout">How long it waits for the answer, counted from when the request arrived.</param>
/// <param name="Frame">The memory of the request.</param>
/// <param name="Time">The clock of that wait.</param>
/// <param name="CancellationToken">Cancelled when nobody waits for the answer any more: the deadline has passed, the peer has given up, or
/// its connection has ended.</param>
public sealed record PeerContext(
    NodeIncarnation Peer,
    int FeatureLevel,
    short Version,
    TimeSpan Timeout,
    PooledBuffer Frame,
    TimeProvider Time,
    CancellationToken CancellationToken);

using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Node.Handlers;

/// <summary>Serves one Kafka API. Stateless and thread-safe: one instance serves every connection.</summary>
public abstract class ApiHandler
{
    private protected ApiHandler(ApiKey key, short minVersion, short maxVersion)
    {
        Key = key;
        MinVersion = minVersion;
        MaxVersion = maxVersion;
    }

    public ApiKey Key { get; }

    /// <summary>The lowest version that ApiVersions lists.</summary>
    public short MinVersion { get; }

    /// <summary>The highest version that ApiVersions lists, and that this handler serves in full.</summary>
    public short MaxVersion { get; }

    /// <summary>
    /// Whether its answers are small, and a connection's come about in the order of its requests. Then it is enough that they are looked
    /// at one after the other, when it is their turn to be sent. Such a response is disposed once it has been written, and the request's
    /// context is used again.
    /// </summary>
    public virtual bool AnswersInOrder => false;

    /// <summary>Reads the body of a request; its records are slices of the frame.</summary>
    /// <exception cref="MalformedMessageException">The bytes are no such request.</exception>
    public virtual IRequest Read(in RequestFrame frame) => frame.ReadBody();

    /// <summary>
    /// Handles a request. Calls for one connection come in the order of its requests, each after the one before has returned its task
    /// (not after that task has ended): what must keep their order happens before the first await.
    /// </summary>
    /// <returns>The response, which is the caller's own from then on, or null when the request gets none (Produce with acks=0).</returns>
    public abstract ValueTask<IResponse?> HandleAsync(RequestContext context, IRequest request);
}

/// <summary>Serves one Kafka API, with its message types.</summary>
public abstract class ApiHandler<TRequest> : ApiHandler
    where TRequest : class, IRequest
{
    protected ApiHandler(ApiKey key, short minVersion, short maxVersion)
        : base(key, minVersion, maxVersion)
    {
    }

    public sealed override ValueTask<IResponse?> HandleAsync(RequestContext context, IRequest request) => HandleAsync(context, (TRequest)request);

    protected abstract ValueTask<IResponse?> HandleAsync(RequestContext context, TRequest request);
}

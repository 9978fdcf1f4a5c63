using Warp.Protocol.Messages;

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

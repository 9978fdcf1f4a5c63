using System.Diagnostics.CodeAnalysis;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Finds the handler of a request. Its table is also what the handshake tells, so that cannot lie.</summary>
internal sealed class PeerDispatcher
{
    private readonly Dictionary<ApiKey, IPeerHandler> _handlers = [];

    /// <exception cref="ArgumentException">Two handlers have the same API, or one has an API or version that has no schema.</exception>
    public PeerDispatcher(IEnumerable<IPeerHandler> handlers)
    {
        foreach (IPeerHandler handler in handlers)
        {
            if (!PrivateApis.TryGet(handler.ApiKey, out ApiSpec? spec) || PrivateApis.IsOfConnections(handler.ApiKey)
                || !spec.Supports(handler.MinVersion) || !spec.Supports(handler.MaxVersion))
            {
                throw new ArgumentException(
                    $"No handler can have the API {handler.ApiKey} {handler.MinVersion}-{handler.MaxVersion}.", nameof(handlers));
            }
            if (!_handlers.TryAdd(handler.ApiKey, handler))
                throw new ArgumentException($"{spec.Name} has two handlers.", nameof(handlers));
        }
        Versions =
        [
            .. PrivateApis.All.Where(static spec => PrivateApis.IsOfConnections(spec.Key)).Select(PeerApiVersions.Of),
            .. _handlers.Values.Select(static handler => PeerApiVersions.Of(handler.ApiKey, handler.MinVersion, handler.MaxVersion)),
        ];
    }

    public List<PeerApiVersions> Versions { get; }

    public bool TryFind(ApiKey key, short version, [NotNullWhen(true)] out IPeerHandler? handler) =>
        _handlers.TryGetValue(key, out handler) && version >= handler.MinVersion && version <= handler.MaxVersion;
}

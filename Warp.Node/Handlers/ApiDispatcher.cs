using System.Diagnostics.CodeAnalysis;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// The table of what this node serves. ApiVersions is made from it, so that it lists exactly the APIs that have a handler, with the
/// handlers' versions. Immutable.
/// </summary>
public sealed class ApiDispatcher
{
    private readonly ApiHandler?[] _byKey;

    /// <param name="handlers">One for each API other than ApiVersions.</param>
    /// <exception cref="ArgumentException">Two handlers for one API, or a handler of versions that have no codec.</exception>
    public ApiDispatcher(IEnumerable<ApiHandler> handlers)
    {
        var table = new List<ApiHandler>(handlers);
        var versions = new ApiVersionsHandler(table);
        table.Add(versions);
        table.Sort(static (one, other) => one.Key.CompareTo(other.Key));
        _byKey = new ApiHandler?[(int)table[^1].Key + 1];
        foreach (ApiHandler handler in table)
        {
            if (_byKey[(int)handler.Key] is not null)
                throw new ArgumentException($"{handler.Key} has two handlers.", nameof(handlers));
            ApiSpec spec = ApiSpecs.Get(handler.Key);
            if (!spec.Supports(handler.MinVersion) || !spec.Supports(handler.MaxVersion))
                throw new ArgumentException($"{handler.Key} has a handler for versions without a codec.", nameof(handlers));
            _byKey[(int)handler.Key] = handler;
        }
        Handlers = table;
        UnknownApiVersions = versions.AnswerToUnknownVersion;
    }

    /// <summary>All handlers, in the order of their keys.</summary>
    public IReadOnlyList<ApiHandler> Handlers { get; }

    /// <summary>The answer, always in version 0, to an ApiVersions request of a version that is not known (KIP-511).</summary>
    public IResponse UnknownApiVersions { get; }

    /// <summary>Whether the handler takes requests of that version.</summary>
    public static bool Serves(ApiHandler handler, short version) => version >= handler.MinVersion && version <= handler.MaxVersion;

    /// <summary>Finds the handler of an API, by the number that a request names.</summary>
    public bool TryFind(ApiKey key, [NotNullWhen(true)] out ApiHandler? handler)
    {
        handler = key >= 0 && (int)key < _byKey.Length ? _byKey[(int)key] : null;
        return handler is not null;
    }
}

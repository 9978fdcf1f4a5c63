using System.Diagnostics.CodeAnalysis;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

public static partial class PrivateApis
{
    /// <summary>The handshake and what the connections themselves answer.</summary>
    private static readonly HashSet<ApiKey> s_ofConnections = [Introduce, Prove, Ping, Cancel];

    /// <summary>
    /// Those whose answer waits for something to happen. They have room of their own, so that all others go on meanwhile.
    /// </summary>
    private static readonly HashSet<ApiKey> s_longPolls = [AwaitHeldBatch, WatchPartitions, TakeCompactionJob, FollowCatalog, SweepStore, PassOn];

    public static bool TryGet(ApiKey key, [NotNullWhen(true)] out ApiSpec? spec) => Table.ByKey.TryGetValue(key, out spec);

    /// <exception cref="KeyNotFoundException">It is no private API.</exception>
    public static ApiSpec Get(ApiKey key) => Table.ByKey[key];

    /// <summary>Whether its answer waits for something to happen.</summary>
    internal static bool IsLongPoll(ApiKey key) => s_longPolls.Contains(key);

    /// <summary>Whether connections answer it, and no handler.</summary>
    internal static bool IsOfConnections(ApiKey key) => s_ofConnections.Contains(key);

    /// <summary>In a class of its own, so that it is made after the generated half of this one.</summary>
    private static class Table
    {
        public static readonly Dictionary<ApiKey, ApiSpec> ByKey = All.ToDictionary(static spec => spec.Key);
    }
}

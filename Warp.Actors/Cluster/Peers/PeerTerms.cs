using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>What the handshake has settled: who the other side is, and what it understands.</summary>
/// <param name="Peer">The other side.</param>
/// <param name="FeatureLevel">The highest that it knows.</param>
/// <param name="Versions">The versions of its APIs.</param>
internal sealed record PeerTerms(NodeIncarnation Peer, int FeatureLevel, IReadOnlyDictionary<ApiKey, PeerApiVersions> Versions)
{
    /// <summary>The bounds that a server sets.</summary>
    public PeerLimits Limits { get; init; }

    /// <summary>The highest version of an API that both sides have; null for none.</summary>
    public short? HighestCommon(ApiSpec own) => Versions.GetValueOrDefault(own.Key)?.HighestCommon(own);

    public static IReadOnlyDictionary<ApiKey, PeerApiVersions> ByKey(List<PeerApiVersions> versions)
    {
        var byKey = new Dictionary<ApiKey, PeerApiVersions>(versions.Count);
        foreach (PeerApiVersions api in versions)
            byKey[(ApiKey)api.Api] = api;
        return byKey;
    }
}

/// <summary>What may be under way on one connection, and how large a request may be.</summary>
internal readonly record struct PeerLimits(int MaxFrameBytes, int MaxRequests, int MaxLongPolls, long MaxRequestBytes)
{
    public static PeerLimits Of(PeerSettings settings) =>
        new(settings.MaxFrameBytes, settings.MaxRequests, settings.MaxLongPolls, settings.MaxRequestBytes);

    /// <summary>What both sides allow.</summary>
    public PeerLimits And(PeerLimits other) => new(
        Math.Min(MaxFrameBytes, other.MaxFrameBytes),
        Math.Min(MaxRequests, other.MaxRequests),
        Math.Min(MaxLongPolls, other.MaxLongPolls),
        Math.Min(MaxRequestBytes, other.MaxRequestBytes));
}

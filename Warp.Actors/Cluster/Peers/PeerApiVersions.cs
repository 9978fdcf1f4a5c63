using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

public sealed partial class PeerApiVersions
{
    internal static PeerApiVersions Of(ApiSpec spec) => Of(spec.Key, spec.MinVersion, spec.MaxVersion);

    internal static PeerApiVersions Of(ApiKey key, short minVersion, short maxVersion) =>
        new() { Api = (short)key, MinVersion = minVersion, MaxVersion = maxVersion };

    /// <summary>The highest version that this peer and <paramref name="own"/> code have both; null for none.</summary>
    public short? HighestCommon(ApiSpec own)
    {
        short highest = Math.Min(own.MaxVersion, MaxVersion);
        return highest >= Math.Max(own.MinVersion, MinVersion) ? highest : null;
    }
}

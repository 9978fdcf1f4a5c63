using Warp.Actors.Cluster.Peers;
using Warp.Node.Configuration;

namespace Warp.Node.Hosting;

/// <summary>How a node of a cluster talks to the others, read off its settings.</summary>
internal static class PeerOptions
{
    /// <summary>The settings of the connections.</summary>
    /// <exception cref="ConfigurationException">There is no secret, or a certificate cannot be read.</exception>
    public static PeerSettings Settings(NodeOptions options) => new()
    {
        Secret = options.Cluster.Secret ?? throw new ConfigurationException(
            $"warp.cluster.secret: a node on the journal {options.Journal.Url}, or with warp.cluster.seeds, is part of a cluster, whose nodes must share a secret of at least "
            + $"{PeerSettings.MinSecretLength} characters. Set the same one on all of them."),
        Tls = options.Rpc.Tls?.Load(),
    };
}

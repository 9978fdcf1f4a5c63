using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// The certificates of mutual TLS between nodes. Each side shows its own, and takes that of the other if the CA has signed it. The name in
/// it is not looked at: a node is known by the handshake that follows, which also has the cluster's secret. Thread-safe.
/// </summary>
public sealed class PeerTls
{
    private readonly SslStreamCertificateContext _own;
    private readonly X509Certificate2Collection _authorities;

    /// <param name="certificate">This node's, with its private key.</param>
    /// <param name="chain">What lies between it and the CA; may be empty.</param>
    /// <param name="authorities">The CA's; one or more, any of which may have signed.</param>
    public PeerTls(X509Certificate2 certificate, X509Certificate2Collection chain, X509Certificate2Collection authorities)
    {
        ArgumentOutOfRangeException.ThrowIfZero(authorities.Count);
        _own = SslStreamCertificateContext.Create(certificate, chain, offline: true);
        _authorities = authorities;
    }

    /// <summary>Reads PEM files.</summary>
    /// <param name="certificatePath">The node's certificate, and after it those between it and the CA, if any.</param>
    /// <param name="keyPath">Its private key, not encrypted.</param>
    /// <param name="authorityPath">The CA's certificate, or those of several.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file must not be read.</exception>
    /// <exception cref="CryptographicException">A file holds no such thing, or the key is another certificate's.</exception>
    public static PeerTls Load(string certificatePath, string keyPath, string authorityPath)
    {
        X509Certificate2 own = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(certificatePath);
        if (chain.Count > 0)
            chain.RemoveAt(0);
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(authorityPath);
        if (authorities.Count == 0)
            throw new CryptographicException($"There is no certificate in {authorityPath}.");
        return new PeerTls(own, chain, authorities);
    }

    internal SslServerAuthenticationOptions ForServer() => new()
    {
        ServerCertificateContext = _own,
        ClientCertificateRequired = true,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) => IsTrusted(certificate, chain),
    };

    internal SslClientAuthenticationOptions ForClient() => new()
    {
        // Names are not compared; a constant one keeps hosts out of the clear text of TLS.
        TargetHost = "warp",
        ClientCertificateContext = _own,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) => IsTrusted(certificate, chain),
    };

    private bool IsTrusted(X509Certificate? certificate, X509Chain? received)
    {
        if (certificate is not X509Certificate2 peer)
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        // A private CA seldom publishes revocations; a node that must not come back needs another secret for the others.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        foreach (X509ChainElement element in received?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(peer);
    }
}

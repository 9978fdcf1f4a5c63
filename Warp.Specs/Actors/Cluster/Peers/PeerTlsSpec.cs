using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Warp.Actors.Cluster.Peers;
using Xunit;

namespace Warp.Specs.Actors.Cluster.Peers;

public sealed class PeerTlsSpec : IDisposable
{
    private readonly Authority _ours = new("our CA");
    private readonly Authority _theirs = new("their CA");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("warp-tls-");

    [Fact]
    public async Task Nodes_with_certificates_of_the_ca_talk()
    {
        await using var server = Node(1, _ours.Issue("node 1"), _ours);
        await using var client = Node(2, _ours.Issue("node 2"), _ours);
        int[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => client.CallAsync(server.Address, i)));
        Assert.Equal(Enumerable.Range(0, 100), answers);
    }

    [Fact]
    public async Task A_large_chunk_passes_through_tls()
    {
        var bytes = new byte[4 << 20];
        new Random(1).NextBytes(bytes);
        await using var server = new TestPeer(
            1,
            [TestPeer.Handler((_, _) => ValueTask.FromResult<Warp.Protocol.Messages.IResponse>(TestPeer.Chunk(bytes)))],
            settings => settings with { Tls = Tls(_ours.Issue("node 1"), _ours) });
        await using var client = Node(2, _ours.Issue("node 2"), _ours);
        using ReadChunkResponse response = await client.Network.CallAsync<ReadChunkResponse>(
            server.Address, new ReadChunkRequest(), TestPeer.Patience, CancellationToken.None);
        Assert.True(response.Data.Memory.Span.SequenceEqual(bytes));
    }

    [Fact]
    public async Task A_client_with_a_certificate_of_another_ca_is_refused()
    {
        await using var server = Node(1, _ours.Issue("node 1"), _ours);
        await using var client = Node(2, _theirs.Issue("node 2"), _ours);
        await AssertRefusedAsync(client, server);
        await TestPeer.UntilAsync(() => server.Log.Contains("is refused (Certificate)"), "the server to say so");
    }

    [Fact]
    public async Task A_server_with_a_certificate_of_another_ca_is_refused()
    {
        await using var server = Node(1, _theirs.Issue("node 1"), _ours);
        await using var client = Node(2, _ours.Issue("node 2"), _ours);
        PeerRefusedException refused = await AssertRefusedAsync(client, server);
        Assert.Equal(PeerRefusal.Certificate, refused.Refusal);
        Assert.Contains("warp.rpc.tls", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_that_has_run_out_is_refused()
    {
        await using var server = Node(1, _ours.Issue("node 1", DateTimeOffset.UtcNow.AddDays(-1)), _ours);
        await using var client = Node(2, _ours.Issue("node 2"), _ours);
        Assert.Equal(PeerRefusal.Certificate, (await AssertRefusedAsync(client, server)).Refusal);
    }

    [Fact]
    public async Task A_node_without_tls_is_refused_by_one_that_has_it()
    {
        await using var server = Node(1, _ours.Issue("node 1"), _ours);
        await using var client = new TestPeer(2);
        await AssertRefusedAsync(client, server);
        await TestPeer.UntilAsync(() => server.Log.Contains("is refused ("), "the server to say so");
    }

    [Fact]
    public async Task A_node_with_tls_is_refused_by_one_that_has_it_not()
    {
        await using var server = new TestPeer(1);
        await using var client = Node(2, _ours.Issue("node 2"), _ours);
        await AssertRefusedAsync(client, server);
        await TestPeer.UntilAsync(() => server.Log.Contains("is refused ("), "the server to say so");
    }

    [Fact]
    public async Task The_right_certificate_does_not_stand_for_the_secret()
    {
        await using var server = Node(1, _ours.Issue("node 1"), _ours);
        await using var client = new TestPeer(
            2, change: settings => settings with { Secret = "a secret of somebody else", Tls = Tls(_ours.Issue("node 2"), _ours) });
        Assert.Equal(PeerRefusal.WrongSecret, (await AssertRefusedAsync(client, server)).Refusal);
    }

    [Fact]
    public async Task Certificates_are_read_from_pem_files_with_those_between_them_and_the_ca()
    {
        Authority between = _ours.IssueAuthority("a CA of one rack");
        using X509Certificate2 node = between.Issue("node 1");
        string certificate = Write("node.pem", node.ExportCertificatePem() + "\n" + between.Certificate.ExportCertificatePem());
        string key = Write("node.key", node.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        string authority = Write("ca.pem", _ours.Certificate.ExportCertificatePem());
        await using var server = new TestPeer(1, change: settings => settings with { Tls = PeerTls.Load(certificate, key, authority) });
        await using var client = Node(2, _ours.Issue("node 2"), _ours);
        Assert.Equal(1, await client.CallAsync(server.Address, 1));
        Assert.Throws<CryptographicException>(() => PeerTls.Load(certificate, authority, authority));
        Assert.Throws<CryptographicException>(() => PeerTls.Load(certificate, key, key));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static async Task<PeerRefusedException> AssertRefusedAsync(TestPeer client, TestPeer server) =>
        await Assert.ThrowsAsync<PeerRefusedException>(() => client.CallAsync(server.Address, 1));

    private static TestPeer Node(int id, X509Certificate2 certificate, Authority trusted) =>
        new(id, change: settings => settings with { Tls = Tls(certificate, trusted) });

    private static PeerTls Tls(X509Certificate2 certificate, Authority trusted) => new(certificate, [], [trusted.Certificate]);

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }

    private sealed class Authority
    {
        public Authority(string name)
        {
            using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            Certificate = Request(name, key, isAuthority: true).CreateSelfSigned(
                DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(2));
        }

        private Authority(X509Certificate2 certificate) => Certificate = certificate;

        public X509Certificate2 Certificate { get; }

        public X509Certificate2 Issue(string name, DateTimeOffset? until = null) => Issue(name, isAuthority: false, until);

        public Authority IssueAuthority(string name) => new(Issue(name, isAuthority: true, null));

        private X509Certificate2 Issue(string name, bool isAuthority, DateTimeOffset? until)
        {
            using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using X509Certificate2 issued = Request(name, key, isAuthority).Create(
                Certificate,
                DateTimeOffset.UtcNow.AddDays(-2).AddHours(1),
                until ?? DateTimeOffset.UtcNow.AddDays(1),
                RandomNumberGenerator.GetBytes(8));
            return issued.CopyWithPrivateKey(key);
        }

        private static CertificateRequest Request(string name, ECDsa key, bool isAuthority)
        {
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
            if (isAuthority)
                request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
            return request;
        }
    }
}

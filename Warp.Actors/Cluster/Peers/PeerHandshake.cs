using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// How two nodes make sure of each other before anything else is said. Both send a nonce along with who they are; then each proves that it
/// knows the cluster's secret, the one that connected first: HMAC-SHA-256, keyed with the secret, over the side's name and the whole first
/// half (cluster, nodes and their lives, nonces, versions). The secret itself never travels.
/// </summary>
/// <remarks>
/// This keeps strangers out and keeps nodes from talking to the wrong one. Who can change packets on their way can still take over a
/// connection that was made; where that is a danger, mutual TLS is the answer.
/// </remarks>
internal sealed class PeerHandshake(
    PeerTransport transport, FrameReceiver receiver, PeerIdentity self, PeerSettings settings, PeerMetrics metrics)
{
    /// <summary>The most that a stranger can make this node hold: many times what the two halves need.</summary>
    private const int MaxFrameBytes = 8 << 10;

    /// <summary>Header and an empty list of tags.</summary>
    private const int MinFrameBytes = 5;

    private const int NonceBytes = 32;

    private static readonly byte[] s_clientLabel = "warp peer handshake 1: client\0"u8.ToArray();
    private static readonly byte[] s_serverLabel = "warp peer handshake 1: server\0"u8.ToArray();

    private readonly byte[] _nonce = RandomNumberGenerator.GetBytes(NonceBytes);

    /// <summary>The side that has connected.</summary>
    /// <exception cref="PeerRefusedException">They do not go together; says why.</exception>
    public async Task<PeerTerms> ConnectAsync(PeerAddress peer, List<PeerApiVersions> apis, CancellationToken cancellationToken)
    {
        var hello = new IntroduceRequest
        {
            ClusterId = self.ClusterId,
            NodeId = self.Node.NodeId,
            Incarnation = self.Node.Incarnation,
            ExpectedNodeId = peer.Node?.NodeId ?? -1,
            ExpectedIncarnation = peer.Node?.Incarnation ?? -1,
            Nonce = _nonce,
            FeatureLevel = self.FeatureLevel,
            Apis = apis,
        };
        byte[] helloBytes = await SendAsync(PeerFrames.Request(PrivateApis.Introduce, 0, hello));
        byte[] challengeBytes = await ReceiveAsync(cancellationToken);
        IntroduceResponse challenge = ReadResponse(challengeBytes, IntroduceResponse.Read);
        ThrowIfRefused(challenge.Refusal, challenge.Detail, peer);
        var found = new NodeIncarnation(challenge.NodeId, challenge.Incarnation);
        if (peer.Node is { } expected && found != expected)
            throw new PeerRefusedException(PeerRefusal.OtherNode, $"{peer} is not there, but node {found}");
        CheckNonce(challenge.Nonce);

        var proof = new ProveRequest { Proof = Proof(s_clientLabel, helloBytes, challengeBytes) };
        await SendAsync(PeerFrames.Request(PrivateApis.Prove, 1, proof));
        ProveResponse proven = ReadResponse(await ReceiveAsync(cancellationToken), ProveResponse.Read);
        ThrowIfRefused(proven.Refusal, proven.Detail, peer);
        if (!CryptographicOperations.FixedTimeEquals(Proof(s_serverLabel, helloBytes, challengeBytes), proven.Proof.Span))
        {
            throw new PeerRefusedException(
                PeerRefusal.WrongSecret, $"{peer} does not know the secret of this cluster: warp.cluster.secret differs between the nodes");
        }
        var limits = new PeerLimits(
            challenge.MaxFrameBytes, challenge.MaxRequests, challenge.MaxLongPolls, challenge.MaxRequestBytes);
        return new PeerTerms(found, challenge.FeatureLevel, PeerTerms.ByKey(challenge.Apis)) { Limits = limits };
    }

    /// <summary>The side that was connected to. A refusal is told to the other side first.</summary>
    /// <exception cref="PeerRefusedException">They do not go together; says why.</exception>
    public async Task<PeerTerms> AcceptAsync(List<PeerApiVersions> apis, CancellationToken cancellationToken)
    {
        byte[] helloBytes = await ReceiveAsync(cancellationToken);
        (PeerRequestHeader header, IntroduceRequest hello) = ReadRequest(helloBytes, PrivateApis.Introduce, IntroduceRequest.Read);
        CheckNonce(hello.Nonce);
        var peer = new NodeIncarnation(hello.NodeId, hello.Incarnation);
        if (Refuse(hello, peer) is { } refusal)
        {
            var refused = new IntroduceResponse { Refusal = (sbyte)refusal.Refusal, Detail = refusal.Message };
            await SendAsync(PeerFrames.Response(header.CorrelationId, refused, 0));
            throw refusal;
        }
        var challenge = new IntroduceResponse
        {
            NodeId = self.Node.NodeId,
            Incarnation = self.Node.Incarnation,
            Nonce = _nonce,
            FeatureLevel = self.FeatureLevel,
            MaxFrameBytes = settings.MaxFrameBytes,
            MaxRequests = settings.MaxRequests,
            MaxLongPolls = settings.MaxLongPolls,
            MaxRequestBytes = settings.MaxRequestBytes,
            Apis = apis,
        };
        byte[] challengeBytes = await SendAsync(PeerFrames.Response(header.CorrelationId, challenge, 0));

        byte[] proofBytes = await ReceiveAsync(cancellationToken);
        (header, ProveRequest proof) = ReadRequest(proofBytes, PrivateApis.Prove, ProveRequest.Read);
        if (!CryptographicOperations.FixedTimeEquals(Proof(s_clientLabel, helloBytes, challengeBytes), proof.Proof.Span))
        {
            var wrong = new PeerRefusedException(
                PeerRefusal.WrongSecret,
                $"node {peer} does not know the secret of node {self.Node}: warp.cluster.secret differs between the nodes");
            await SendAsync(PeerFrames.Response(
                header.CorrelationId, new ProveResponse { Refusal = (sbyte)wrong.Refusal, Detail = wrong.Message }, 0));
            throw wrong;
        }
        var proven = new ProveResponse { Proof = Proof(s_serverLabel, helloBytes, challengeBytes) };
        await SendAsync(PeerFrames.Response(header.CorrelationId, proven, 0));
        return new PeerTerms(peer, hello.FeatureLevel, PeerTerms.ByKey(hello.Apis));
    }

    private PeerRefusedException? Refuse(IntroduceRequest hello, NodeIncarnation peer)
    {
        // Whoever is in no cluster yet wants to join this one.
        if (hello.ClusterId.Length > 0 && hello.ClusterId != self.ClusterId)
        {
            return new PeerRefusedException(
                PeerRefusal.OtherCluster,
                $"node {peer} belongs to the cluster {Cut(hello.ClusterId)}, node {self.Node} to {self.ClusterId}: "
                + "they have different journals, or an address leads to the wrong cluster");
        }
        if (hello.ExpectedNodeId >= 0 && self.Node != new NodeIncarnation(hello.ExpectedNodeId, hello.ExpectedIncarnation))
        {
            return new PeerRefusedException(
                PeerRefusal.OtherNode,
                $"node {peer} expects node {hello.ExpectedNodeId}/{hello.ExpectedIncarnation} at the address of node {self.Node}: "
                + "it was restarted, or the address leads to another node");
        }
        return null;
    }

    /// <summary>Of a name that a stranger has sent, no more than is good for a log.</summary>
    private static string Cut(string text) => text.Length <= 40 ? text : text[..40] + "…";

    private static void ThrowIfRefused(sbyte refusal, string? detail, PeerAddress peer)
    {
        if (refusal != (sbyte)PeerRefusal.None)
            throw new PeerRefusedException((PeerRefusal)refusal, $"{peer} refuses the connection: {detail}");
    }

    private static void CheckNonce(ReadOnlyMemory<byte> nonce)
    {
        if (nonce.Length != NonceBytes)
            throw new PeerProtocolException($"a nonce has {nonce.Length} bytes, not {NonceBytes}");
    }

    private byte[] Proof(byte[] label, byte[] hello, byte[] challenge)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(settings.Secret));
        hash.AppendData(label);
        Append(hash, hello);
        Append(hash, challenge);
        return hash.GetHashAndReset();

        static void Append(IncrementalHash hash, byte[] frame)
        {
            // With its length, so that no two pairs of frames are the same bytes.
            Span<byte> length = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, frame.Length);
            hash.AppendData(length);
            hash.AppendData(frame);
        }
    }

    /// <summary>Sends a frame, and returns its bytes as the other side sees them, without the length.</summary>
    private async Task<byte[]> SendAsync(OutgoingFrame outgoing)
    {
        using OutgoingFrame frame = outgoing;
        foreach (ArraySegment<byte> piece in frame)
            await transport.AddAsync(piece);
        await transport.FlushAsync();
        metrics.Sent(frame.Length);
        return frame.ToArray()[PeerFrames.LengthBytes..];
    }

    private async Task<byte[]> ReceiveAsync(CancellationToken cancellationToken)
    {
        int length = await receiver.ReceiveLengthAsync(MinFrameBytes, MaxFrameBytes, cancellationToken);
        if (length < 0)
            throw new PeerRefusedException(PeerRefusal.NoAnswer, "the connection was closed in the middle of the handshake");
        using PooledBuffer frame = await receiver.ReceiveFrameAsync(length, cancellationToken);
        return frame.Memory.ToArray();
    }

    private static (PeerRequestHeader Header, T Body) ReadRequest<T>(byte[] frame, ApiKey expected, BodyReader<T> read)
    {
        var reader = new WireReader(frame);
        PeerRequestHeader header = PeerRequestHeader.Read(ref reader, 0);
        if (header.Api != (short)expected || header.Version != 0)
            throw new PeerProtocolException($"API {header.Api} version {header.Version} stands where the handshake should");
        return (header, read(ref reader, 0));
    }

    private static T ReadResponse<T>(byte[] frame, BodyReader<T> read)
    {
        var reader = new WireReader(frame);
        PeerResponseHeader header = PeerResponseHeader.Read(ref reader, 0);
        if (header.Error != 0)
            throw new PeerProtocolException($"the error {header.Error} stands where the handshake should");
        return read(ref reader, 0);
    }

    private delegate T BodyReader<out T>(ref WireReader reader, short version);
}

namespace Warp.Actors.Cluster.Peers;

/// <summary>How nodes talk to each other: the secret that they share, and the bounds that keep one from harming another.</summary>
public sealed record PeerSettings
{
    /// <summary>The shortest secret: what a listener on the wire learns can be tried against guesses.</summary>
    public const int MinSecretLength = 16;

    /// <summary>Known to all nodes of the cluster and to nobody else (<c>warp.cluster.secret</c>).</summary>
    public required string Secret { get; init; }

    /// <summary>Certificates for mutual TLS (<c>warp.rpc.tls</c>); null for plain TCP.</summary>
    public PeerTls? Tls { get; init; }

    /// <summary>How long the connection itself may take.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long TLS and the handshake may take together.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The largest frame that is taken, its length not counted: a chunk of 4 MiB with room to spare.</summary>
    public int MaxFrameBytes { get; init; } = 16 << 20;

    /// <summary>How many requests of one connection may wait for their answer.</summary>
    public int MaxRequests { get; init; } = 4096;

    /// <summary>How many more of those that wait for something to happen (long polls).</summary>
    public int MaxLongPolls { get; init; } = 16_384;

    /// <summary>
    /// How many bytes of requests of one connection may wait for their answer; a larger one has the connection for itself.
    /// </summary>
    public long MaxRequestBytes { get; init; } = 64 << 20;

    /// <summary>
    /// A connection on which nothing came for so long is asked for a sign of life, and ended when none comes for as long again.
    /// </summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A connection without calls is closed after so long.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The first pause before a peer that could not be reached is tried again. Calls within it fail at once.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest such pause.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How many connections may be in their handshake at a time; more are closed at once.</summary>
    public int MaxHandshakes { get; init; } = 256;
}

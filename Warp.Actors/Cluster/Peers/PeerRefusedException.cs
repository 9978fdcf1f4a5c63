namespace Warp.Actors.Cluster.Peers;

/// <summary>Why two nodes do not talk to each other. Frozen numbers: they travel.</summary>
public enum PeerRefusal : sbyte
{
    None = 0,

    /// <summary>They do not have the same secret.</summary>
    WrongSecret = 1,

    /// <summary>They belong to different clusters.</summary>
    OtherCluster = 2,

    /// <summary>At the address there is another node than the one expected, or another life of it.</summary>
    OtherNode = 3,

    /// <summary>The certificate of one is missing, or not signed by the CA of the other; or only one of them speaks TLS.</summary>
    Certificate = 4,

    /// <summary>What was said is no handshake: something else than a node of Warp, or one of a release that is too far away.</summary>
    NoHandshake = 5,

    /// <summary>The handshake took too long, or ended early.</summary>
    NoAnswer = 6,
}

/// <summary>The handshake with another node failed. Nothing was sent to it.</summary>
public sealed class PeerRefusedException : PeerCallException
{
    public PeerRefusedException(PeerRefusal refusal, string message, Exception? cause = null)
        : base(PeerFailure.NotSent, message, cause)
    {
        Refusal = refusal;
    }

    /// <summary>Why; the message says it to an operator.</summary>
    public PeerRefusal Refusal { get; }
}

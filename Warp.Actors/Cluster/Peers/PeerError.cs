namespace Warp.Actors.Cluster.Peers;

/// <summary>Why a node does not do what another asks of it. Frozen numbers: they travel.</summary>
public enum PeerError : short
{
    None = 0,

    /// <summary>It failed in a way that nobody foresaw. Whether it acted upon the request is unknown.</summary>
    Failed = 1,

    /// <summary>The node does not know the API, or not in that version: it is of another release.</summary>
    Unsupported = 2,

    /// <summary>The request or its response is larger than a frame may be.</summary>
    TooLarge = 3,

    /// <summary>The deadline passed before there was an answer. Whether it acted upon the request is unknown.</summary>
    DeadlinePassed = 4,

    /// <summary>The shard that was asked for is not this node's. It did not act upon the request.</summary>
    NotOwner = 5,

    /// <summary>The actor stopped or failed before it answered. Whether it acted upon the request is unknown.</summary>
    ActorStopped = 6,

    /// <summary>There is no such thing (any more).</summary>
    NotFound = 7,

    /// <summary>Whoever asked has given up.</summary>
    Cancelled = 8,

    /// <summary>The journal refused what the actor wanted to write. It did not act upon the request.</summary>
    NotWritten = 9,
}

/// <summary>What a handler throws to answer with an error.</summary>
public sealed class PeerErrorException(PeerError error, string message, long epoch = -1) : Exception(message)
{
    public PeerError Error { get; } = error;

    /// <summary>The shard's epoch that this node knows of; −1 for none.</summary>
    public long Epoch { get; } = epoch;
}

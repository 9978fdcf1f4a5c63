namespace Warp.Actors.Cluster.Peers;

/// <summary>What is known of a call that has no answer.</summary>
public enum PeerFailure
{
    /// <summary>It never left this node: certainly nobody acted upon it.</summary>
    NotSent,

    /// <summary>It left, and no answer came: the peer may or may not have acted upon it.</summary>
    Unknown,

    /// <summary>The peer answered with an error, which says what it did.</summary>
    Refused,
}

/// <summary>A call to another node failed.</summary>
public class PeerCallException : Exception
{
    public PeerCallException(
        PeerFailure failure, string message, Exception? cause = null, PeerError error = PeerError.None, long epoch = -1)
        : base(message, cause)
    {
        Failure = failure;
        Error = error;
        Epoch = epoch;
    }

    /// <summary>Whether the peer may have acted upon it.</summary>
    public PeerFailure Failure { get; }

    /// <summary>The peer's answer, or why the call was not sent; <see cref="PeerError.None"/> where the connection failed.</summary>
    public PeerError Error { get; }

    /// <summary>The epoch of the shard that the peer knows, with <see cref="PeerError.NotOwner"/>; −1 when it knows none.</summary>
    public long Epoch { get; }
}

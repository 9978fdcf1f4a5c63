namespace Warp.Streams.Objects;

/// <summary>What a put found.</summary>
public enum PutOutcome
{
    /// <summary>This put stored the object.</summary>
    Stored,

    /// <summary>
    /// An object of that key was there; it is as it was, and durable. It may be what another request of this very put has stored, if slow ones
    /// are sent again: whoever must know compares, and whoever has a key of his own need not.
    /// </summary>
    AlreadyExists,
}

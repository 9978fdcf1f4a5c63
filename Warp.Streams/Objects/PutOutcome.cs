namespace Warp.Streams.Objects;

/// <summary>What a put found.</summary>
public enum PutOutcome
{
    /// <summary>This put stored the object.</summary>
    Stored,

    /// <summary>An object of that key was there; it is as it was, and durable.</summary>
    AlreadyExists,
}

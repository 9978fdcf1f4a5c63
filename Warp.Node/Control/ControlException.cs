namespace Warp.Node.Control;

/// <summary>Why an operator's command was not carried out.</summary>
public enum ControlFailure
{
    /// <summary>It makes no sense here: a missing or wrong argument.</summary>
    Misused,

    /// <summary>There is no such node, topic or group.</summary>
    NotFound,

    /// <summary>It would do harm, or cannot be as things are.</summary>
    Refused,

    /// <summary>Somebody who is needed for it does not answer; it may work in a moment.</summary>
    Unavailable,
}

/// <summary>An operator's command was not carried out; the message says why, and what to do.</summary>
public sealed class ControlException(ControlFailure failure, string message) : Exception(message)
{
    public ControlFailure Failure { get; } = failure;

    public static ControlException Misused(string message) => new(ControlFailure.Misused, message);

    public static ControlException NotFound(string message) => new(ControlFailure.NotFound, message);

    public static ControlException Refused(string message) => new(ControlFailure.Refused, message);

    public static ControlException Unavailable(string message) => new(ControlFailure.Unavailable, message);
}

namespace Warp.Node.Network;

/// <summary>A frame that gets no answer: Kafka closes the connection of who sends it.</summary>
internal sealed class RequestRejectedException(string reason, string message) : Exception(message)
{
    public const string BadLength = "length";
    public const string UnknownApi = "unknown-api";
    public const string UnsupportedVersion = "unsupported-version";
    public const string Malformed = "malformed";
    public const string Stalled = "stalled";

    /// <summary>One of the constants, for metrics.</summary>
    public string Reason { get; } = reason;
}

using Warp.Protocol.Messages;

namespace Warp.Load.Client;

/// <summary>A broker answered a request with an error.</summary>
public sealed class KafkaException(ErrorCode error, string message) : Exception(message)
{
    public ErrorCode Error { get; } = error;

    /// <param name="error">What the broker answered.</param>
    /// <param name="request">What it was asked, for the message.</param>
    /// <param name="detail">What the broker says about it, if anything.</param>
    /// <exception cref="KafkaException">It is an error.</exception>
    public static void ThrowIfError(ErrorCode error, string request, string? detail = null)
    {
        if (error != ErrorCode.None)
            throw new KafkaException(error, $"{request}: {ErrorCodes.Get(error).Name} ({detail ?? error.Text()})");
    }
}

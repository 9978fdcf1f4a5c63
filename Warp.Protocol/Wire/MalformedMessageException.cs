namespace Warp.Protocol.Wire;

/// <summary>Bytes that are no message of the version they claim to be. Kafka's answer to that is to close the connection.</summary>
public sealed class MalformedMessageException : Exception
{
    public MalformedMessageException()
    {
    }

    public MalformedMessageException(string message)
        : base(message)
    {
    }

    public MalformedMessageException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

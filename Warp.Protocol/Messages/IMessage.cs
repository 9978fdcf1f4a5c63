using Warp.Protocol.Wire;

namespace Warp.Protocol.Messages;

/// <summary>Something that the wire codec can write in a version. The types are generated from the schemas.</summary>
public interface IMessage
{
    /// <summary>Writes one version.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such version.</exception>
    /// <exception cref="NotSupportedException">A field has a value that the version cannot carry (requests and events only).</exception>
    void Write(WireWriter writer, short version);
}

/// <summary>The body of a request.</summary>
public interface IRequest : IMessage
{
    ApiKey ApiKey { get; }
}

/// <summary>The body of a response.</summary>
public interface IResponse : IMessage
{
    ApiKey ApiKey { get; }
}

/// <summary>The body of a response that can tell its client of a quota; most can, though not in every version.</summary>
public interface IThrottledResponse : IResponse
{
    /// <summary>For how long the broker does not read from the client, which had better not send meanwhile (KIP-219); ms.</summary>
    int ThrottleTimeMs { get; set; }
}

/// <summary>An entry of a journal.</summary>
public interface IEvent : IMessage
{
    /// <summary>The number that names the event's type in the journal; frozen once written.</summary>
    ushort Kind { get; }
}

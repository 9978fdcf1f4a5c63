using Warp.Protocol.Wire;

namespace Warp.Protocol.Messages;

/// <summary>Reads the body of a request.</summary>
/// <exception cref="MalformedMessageException">The bytes are no such request.</exception>
public delegate IRequest RequestReader(ref WireReader reader, short version);

/// <summary>Reads the body of a response.</summary>
/// <exception cref="MalformedMessageException">The bytes are no such response.</exception>
public delegate IResponse ResponseReader(ref WireReader reader, short version);

/// <summary>What the schemas say about an API: the versions the codec knows, and how to read them.</summary>
/// <param name="Key">The API.</param>
/// <param name="MinVersion">The lowest version that the codec knows.</param>
/// <param name="MaxVersion">The highest one.</param>
/// <param name="FirstFlexibleVersion">The first with compact lengths and tags, <see cref="short.MaxValue"/> for none.</param>
/// <param name="ReadRequest">Reads a request's body.</param>
/// <param name="ReadResponse">Reads a response's body.</param>
public sealed record ApiSpec(
    ApiKey Key, short MinVersion, short MaxVersion, short FirstFlexibleVersion, RequestReader ReadRequest, ResponseReader ReadResponse)
{
    /// <summary>Kafka's name of the API, or that of a private one.</summary>
    public string Name { get; init; } = Key.ToString();

    public bool Supports(short version) => version >= MinVersion && version <= MaxVersion;

    public bool IsFlexible(short version) => version >= FirstFlexibleVersion;

    /// <summary>1, or 2 with tags.</summary>
    public short RequestHeaderVersion(short version) => IsFlexible(version) ? (short)2 : (short)1;

    /// <summary>
    /// 0, or 1 with tags. The ApiVersions response always has 0: a client must understand it before it knows the broker's versions
    /// (KIP-511).
    /// </summary>
    public short ResponseHeaderVersion(short version) => IsFlexible(version) && Key != ApiKey.ApiVersions ? (short)1 : (short)0;
}

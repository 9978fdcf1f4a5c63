using Warp.Protocol.Wire;

namespace Warp.Protocol.Messages;

/// <summary>A request as it came: its header, what is known of its API, and the body's bytes, which are not read yet.</summary>
/// <param name="Header">The header.</param>
/// <param name="Spec">The API, or null if it has no schema; then the rest of the header is unknown, too, and is part of the body.</param>
/// <param name="Body">The bytes after the header, a slice of the frame.</param>
public readonly record struct RequestFrame(RequestHeader Header, ApiSpec? Spec, ReadOnlyMemory<byte> Body)
{
    /// <summary>
    /// The most elements that the arrays of one request may have together: more partitions than any client fetches at once. An element may
    /// be a single byte, and what is made of it, in memory and in the response, hundreds of them.
    /// </summary>
    public const int MaxElements = 200_000;

    /// <summary>Whether the body can be read.</summary>
    public bool IsSupported => Spec is not null && Spec.Supports(Header.ApiVersion);

    /// <summary>Reads the header of a frame.</summary>
    /// <param name="frame">The bytes after the frame's length.</param>
    /// <exception cref="MalformedMessageException">They are no request.</exception>
    public static RequestFrame Parse(ReadOnlyMemory<byte> frame)
    {
        var reader = new WireReader(frame);
        var header = RequestHeader.ReadStart(ref reader);
        if (ApiSpecs.TryGet(header.ApiKey, out var spec))
            header = header.ReadRest(ref reader, spec.RequestHeaderVersion(header.ApiVersion));
        return new RequestFrame(header, spec, frame[reader.Position..]);
    }

    /// <summary>Reads the body; record sets in it are slices of the frame.</summary>
    /// <exception cref="MalformedMessageException">The bytes are no such request.</exception>
    /// <exception cref="InvalidOperationException">It is not supported.</exception>
    public IRequest ReadBody()
    {
        if (!IsSupported)
            throw new InvalidOperationException($"Version {Header.ApiVersion} of API {Header.ApiKey} has no codec.");
        WireReader reader = OpenBody();
        return Spec!.ReadRequest(ref reader, Header.ApiVersion);
    }

    /// <summary>A reader of the body, for those who know what it is.</summary>
    public WireReader OpenBody() => new(Body, MaxElements);

    /// <summary>Makes the frame of a request.</summary>
    public static OutgoingFrame Write(int correlationId, string? clientId, IRequest body, short version)
    {
        using var writer = new WireWriter();
        var header = new RequestHeader((short)body.ApiKey, version, correlationId, clientId);
        header.Write(writer, ApiSpecs.Get(body.ApiKey).RequestHeaderVersion(version));
        body.Write(writer, version);
        return writer.Complete();
    }
}

using Warp.Protocol.Wire;

namespace Warp.Protocol.Messages;

/// <summary>A response: header and body.</summary>
/// <param name="Header">The header.</param>
/// <param name="Body">The body.</param>
public readonly record struct ResponseFrame(ResponseHeader Header, IResponse Body)
{
    /// <summary>Makes the frame of a response, which takes over the body's record sets.</summary>
    public static OutgoingFrame Write(int correlationId, IResponse body, short version)
    {
        using var writer = new WireWriter();
        new ResponseHeader(correlationId).Write(writer, ApiSpecs.Get(body.ApiKey).ResponseHeaderVersion(version));
        body.Write(writer, version);
        return writer.Complete();
    }

    /// <summary>Writes a response without records as one more frame behind those that are in the writer.</summary>
    /// <returns>Bytes of the frame.</returns>
    public static int Append(WireWriter writer, int correlationId, IResponse body, short version)
    {
        writer.BeginFrame();
        new ResponseHeader(correlationId).Write(writer, ApiSpecs.Get(body.ApiKey).ResponseHeaderVersion(version));
        body.Write(writer, version);
        return writer.EndFrame();
    }

    /// <summary>Reads the answer to a request of <paramref name="version"/>.</summary>
    /// <param name="frame">The bytes after the frame's length.</param>
    /// <param name="spec">The request's API.</param>
    /// <param name="version">The request's version.</param>
    /// <exception cref="MalformedMessageException">They are no such response.</exception>
    public static ResponseFrame Parse(ReadOnlyMemory<byte> frame, ApiSpec spec, short version)
    {
        var reader = new WireReader(frame);
        var header = ResponseHeader.Read(ref reader, spec.ResponseHeaderVersion(version));
        return new ResponseFrame(header, spec.ReadResponse(ref reader, version));
    }
}

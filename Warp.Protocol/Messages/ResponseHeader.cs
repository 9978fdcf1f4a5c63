using Warp.Protocol.Wire;

namespace Warp.Protocol.Messages;

/// <summary>What precedes the body of a response.</summary>
/// <param name="CorrelationId">The number of the request.</param>
public readonly record struct ResponseHeader(int CorrelationId)
{
    /// <summary>Reads header version 0, or 1 with tagged fields.</summary>
    /// <exception cref="MalformedMessageException">The bytes are no header.</exception>
    public static ResponseHeader Read(ref WireReader reader, short headerVersion)
    {
        var header = new ResponseHeader(reader.ReadInt32("ResponseHeader.CorrelationId"));
        if (headerVersion >= 1)
            reader.SkipTags("ResponseHeader");
        return header;
    }

    public void Write(WireWriter writer, short headerVersion)
    {
        writer.WriteInt32(CorrelationId);
        if (headerVersion >= 1)
            writer.WriteUvarint(0);
    }
}

using Warp.Protocol.Wire;

namespace Warp.Protocol.Messages;

/// <summary>What precedes the body of a request.</summary>
/// <param name="ApiKey">The API's number; may be one that <see cref="ApiSpecs"/> does not know.</param>
/// <param name="ApiVersion">The version of the API.</param>
/// <param name="CorrelationId">The client's number for the request, which the response repeats.</param>
/// <param name="ClientId">The client's name for itself.</param>
public readonly record struct RequestHeader(short ApiKey, short ApiVersion, int CorrelationId, string? ClientId)
{
    /// <summary>Reads header version 1, or 2 with tagged fields. The client id has a two-byte length in both.</summary>
    /// <exception cref="MalformedMessageException">The bytes are no header.</exception>
    public static RequestHeader Read(ref WireReader reader, short headerVersion)
    {
        var header = ReadStart(ref reader);
        return header.ReadRest(ref reader, headerVersion);
    }

    public void Write(WireWriter writer, short headerVersion)
    {
        writer.WriteInt16(ApiKey);
        writer.WriteInt16(ApiVersion);
        writer.WriteInt32(CorrelationId);
        writer.WriteNullableString(ClientId, compact: false, allowed: true, "RequestHeader.ClientId");
        if (headerVersion >= 2)
            writer.WriteUvarint(0);
    }

    /// <summary>Reads what every version of the header begins with; it tells which version follows.</summary>
    internal static RequestHeader ReadStart(ref WireReader reader) => new(
        reader.ReadInt16("RequestHeader.ApiKey"),
        reader.ReadInt16("RequestHeader.ApiVersion"),
        reader.ReadInt32("RequestHeader.CorrelationId"),
        null);

    internal RequestHeader ReadRest(ref WireReader reader, short headerVersion)
    {
        string? clientId = reader.ReadRecurringString("RequestHeader.ClientId", compact: false, allowed: true);
        if (headerVersion >= 2)
            reader.SkipTags("RequestHeader");
        return this with { ClientId = clientId };
    }
}

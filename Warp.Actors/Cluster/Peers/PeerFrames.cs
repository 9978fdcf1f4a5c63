using System.Buffers.Binary;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>The frames between nodes: headers and bodies.</summary>
internal static class PeerFrames
{
    public const int LengthBytes = 4;

    /// <summary>API key, version, correlation id, time-out, no tags.</summary>
    public const int MinRequestBytes = TimeoutOffset - LengthBytes + 4 + 1;

    /// <summary>Correlation id, no tags.</summary>
    public const int MinResponseBytes = 5;

    /// <summary>
    /// The most elements that the arrays of one message may have together: a shard with a million extents is told in one answer.
    /// </summary>
    public const int MaxElements = 4_000_000;

    /// <summary>A detail is for a log; what does not fit into a string of Kafka's would fail the answer.</summary>
    private const int MaxDetailLength = 1000;

    private const int TimeoutOffset = LengthBytes + 2 + 2 + 4;

    public static OutgoingFrame Request(ApiKey key, int correlationId, IRequest body, short version = 0)
    {
        using var writer = new WireWriter();
        new PeerRequestHeader { Api = (short)key, Version = version, CorrelationId = correlationId }.Write(writer, 0);
        body.Write(writer, version);
        return writer.Complete();
    }

    /// <summary>Says how long the sender still waits, at the moment at which the request leaves.</summary>
    public static void SetTimeout(OutgoingFrame request, TimeSpan timeout)
    {
        int ms = (int)Math.Clamp(Math.Ceiling(timeout.TotalMilliseconds), 0, int.MaxValue);
        BinaryPrimitives.WriteInt32BigEndian(request.Head[TimeoutOffset..], ms);
    }

    /// <summary>Makes the frame of a response, which takes over the body's record sets.</summary>
    public static OutgoingFrame Response(int correlationId, IResponse body, short version)
    {
        using var writer = new WireWriter();
        new PeerResponseHeader { CorrelationId = correlationId }.Write(writer, 0);
        body.Write(writer, version);
        return writer.Complete();
    }

    public static OutgoingFrame Error(int correlationId, PeerError error, string? detail, long epoch = -1)
    {
        using var writer = new WireWriter();
        var header = new PeerResponseHeader
        {
            CorrelationId = correlationId,
            Error = (short)error,
            Detail = detail is { Length: > MaxDetailLength } ? Cut(detail) : detail,
            Epoch = epoch,
        };
        header.Write(writer, 0);
        return writer.Complete();
    }

    private static string Cut(string text) =>
        text[..(char.IsHighSurrogate(text[MaxDetailLength - 1]) ? MaxDetailLength - 1 : MaxDetailLength)] + "…";
}

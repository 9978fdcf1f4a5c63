using System.Buffers.Binary;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Specs.Scenarios;

/// <summary>
/// What must become of the bytes of one connection: how many requests a node has to handle, and whether it then refuses the rest. Says when
/// a connection should carry no more frames, because nobody would look at them.
/// </summary>
/// <param name="served">The versions of each API.</param>
internal sealed class ExpectedFate(IReadOnlyDictionary<ApiKey, (short Min, short Max)> served)
{
    private const int MaxRequestBytes = 100 << 20;
    private const int MaxOtherBytes = 8 << 20;
    private const int StartBytes = 12;

    /// <summary>Requests that a handler gets.</summary>
    public int Handled { get; private set; }

    /// <summary>Responses that come as soon as they are ready.</summary>
    public int Responses { get; private set; }

    /// <summary>Why the node closes the connection, as its metric says it; null if it does not.</summary>
    public string? Rejection { get; private set; }

    /// <summary>Nothing behind these bytes would be read as a frame, or not for sure.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Follows the node through further bytes.</summary>
    /// <returns>How many of them to send: what would become of those behind some requests is not sure.</returns>
    public int Append(ReadOnlyMemory<byte> bytes)
    {
        int position = 0;
        while (position < bytes.Length && !IsOver)
        {
            ReadOnlyMemory<byte> left = bytes[position..];
            int length = left.Length < 4 ? 0 : BinaryPrimitives.ReadInt32BigEndian(left.Span);
            if (left.Length >= 4 && (length is < StartBytes - 4 or > MaxRequestBytes))
                Reject("length");
            else if (left.Length >= StartBytes)
                CheckApi(left.Span, length);
            if (IsOver || left.Length < 4 + Math.Max(length, StartBytes - 4))
            {
                IsOver = true;
                return bytes.Length;
            }
            Handle(left.Slice(4, length));
            position += 4 + length;
        }
        return position;
    }

    private void CheckApi(ReadOnlySpan<byte> start, int length)
    {
        var api = (ApiKey)BinaryPrimitives.ReadInt16BigEndian(start[4..]);
        short version = BinaryPrimitives.ReadInt16BigEndian(start[6..]);
        if (!served.TryGetValue(api, out var range))
            Reject("unknown-api");
        else if ((version < range.Min || version > range.Max) && (api != ApiKey.ApiVersions || length > 64 << 10))
            Reject("unsupported-version");
        else if (api != ApiKey.Produce && length > MaxOtherBytes)
            Reject("length");
    }

    private void Handle(ReadOnlyMemory<byte> frame)
    {
        if (!ApiSpecs.Get(ApiKey.ApiVersions).Supports(BinaryPrimitives.ReadInt16BigEndian(frame.Span[2..])) && IsApiVersions(frame))
        {
            Responses++; // an ApiVersions of the future has an answer, and is not read
            return;
        }
        try
        {
            var body = RequestFrame.Parse(frame).ReadBody();
            Handled++;
            // Without acks there is no response, and the connection may be closed instead; and behind a long poll one waits long.
            IsOver |= body is ProduceRequest { Acks: 0 } or FetchRequest { MaxWaitMs: > 1000 };
            Responses += IsOver ? 0 : 1;
        }
        catch (MalformedMessageException)
        {
            Reject("malformed");
        }
    }

    private static bool IsApiVersions(ReadOnlyMemory<byte> frame) =>
        (ApiKey)BinaryPrimitives.ReadInt16BigEndian(frame.Span) == ApiKey.ApiVersions;

    private void Reject(string reason)
    {
        Rejection = reason;
        IsOver = true;
    }
}

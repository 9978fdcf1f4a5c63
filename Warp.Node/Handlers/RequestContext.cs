using System.Net;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Streams.Produce;

namespace Warp.Node.Handlers;

/// <summary>What a handler knows of a request besides its body.</summary>
public sealed class RequestContext
{
    private RequestHeader _header;
    private PooledBuffer _frame = null!;
    private bool _isFrameReleased;

    public required RequestHeader Header
    {
        get => _header;
        init => _header = value;
    }

    public short Version => Header.ApiVersion;

    /// <summary>The request's bytes. They stay valid until the handler's task ends, or <see cref="ReleaseFrame"/>; who keeps a slice for longer takes a reference.</summary>
    public required PooledBuffer Frame
    {
        get => _frame;
        init => _frame = value;
    }

    /// <summary>Gives the request's bytes back, as early as the handler has no more use for them; more calls do nothing.</summary>
    public void ReleaseFrame()
    {
        if (!_isFrameReleased)
            Frame.Release();
        _isFrameReleased = true;
    }

    /// <summary>Makes it that of the connection's next request, once the handler of this one has no more use for it.</summary>
    internal void UseAgain(in RequestHeader header, PooledBuffer frame)
    {
        _header = header;
        _frame = frame;
        _isFrameReleased = false;
        ExpectedBytes = 0;
        CloseConnection = false;
    }

    /// <summary>Tells connections apart; never used twice in one process. 0 for a request that another node has passed on.</summary>
    public required long ConnectionId { get; init; }

    /// <summary>The connection, for the flush pipeline; null where there is none.</summary>
    public IProduceSource? Source { get; init; }

    public required EndPoint? RemoteEndPoint { get; init; }

    /// <summary>The peer's address, with the slash that Java puts before one without a name: Kafka's tools show it so.</summary>
    public string ClientHost
    {
        get => field ?? (RemoteEndPoint is IPEndPoint { Address: var address }
            ? $"/{(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)}"
            : "");
        init;
    }

    /// <summary>Cancelled when the connection ends: nobody waits for the answer.</summary>
    public required CancellationToken ConnectionClosed { get; init; }

    /// <summary>What the answer will have about, in bytes; to be said by a handler whose answers are looked at in their turn.</summary>
    public int ExpectedBytes { get; set; }

    /// <summary>Asks for the connection to be closed once this request is done with (a failed Produce with acks=0).</summary>
    public bool CloseConnection { get; set; }
}

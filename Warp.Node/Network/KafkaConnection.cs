using System.Net;
using System.Net.Sockets;
using Warp.Node.Handlers;
using Warp.Protocol.Wire;

namespace Warp.Node.Network;

/// <summary>
/// One client's connection: a loop that receives requests and hands them to their handlers, and a loop that sends the responses in the
/// order of the requests.
/// </summary>
/// <remarks>
/// It ends in one place, <see cref="End"/>, which closes the socket; both loops notice, and <see cref="RunAsync"/> then waits for the
/// handlers, so that every buffer goes back.
/// </remarks>
internal sealed partial class KafkaConnection
{
    /// <summary>How long a frame may take from one byte to the next.</summary>
    private static readonly TimeSpan s_longestStall = TimeSpan.FromSeconds(30);

    /// <summary>The same for a frame whose room others wait for: who claims much and sends nothing must not keep them out for long.</summary>
    private static readonly TimeSpan s_longestStallInTheWay = TimeSpan.FromSeconds(5);

    /// <summary>How long a client that has its last response may take to close.</summary>
    private static readonly TimeSpan s_linger = TimeSpan.FromSeconds(1);

    private static long s_lastId;

    private readonly Socket _socket;
    private readonly ConnectionServices _services;
    private readonly ResponseQueue _responses;
    private readonly EndPoint? _peer;

    // Neither holds a timer or a handle, so neither needs to be disposed.
    private readonly CancellationTokenSource _stopReading = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly long _opened;

    private int _ended;
    private volatile bool _isDraining;
    private volatile ReceiveStage _stage;
    private volatile bool _isSending;
    private volatile BufferBudget? _holdsRoomOf;
    private long _lastReceived;
    private long _lastSent;

    public KafkaConnection(Socket socket, ConnectionServices services)
    {
        _socket = socket;
        _services = services;
        _responses = new ResponseQueue(services.Limits.RequestsInFlight);
        _contexts = new ObjectPool<RequestContext>(services.Limits.RequestsInFlight);
        _peer = socket.RemoteEndPoint;
        _opened = _lastReceived = _lastSent = services.Time.GetTimestamp();
    }

    private enum ReceiveStage
    {
        /// <summary>Between two frames.</summary>
        Idle,

        /// <summary>A frame has begun and more of it must come.</summary>
        InFrame,

        /// <summary>This node makes the client wait, not the other way round.</summary>
        HeldUp,
    }

    /// <summary>Tells connections apart; never used twice in one process.</summary>
    public long Id { get; } = Interlocked.Increment(ref s_lastId);

    /// <summary>Completes once the connection is closed and has given everything back.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Serves the client until either side has had enough.</summary>
    public async Task RunAsync()
    {
        NetworkLog.Opened(_services.Log, Id, _peer);
        try
        {
            Task receiving = ReceiveAllAsync();
            await GuardAsync(SendLoopAsync);
            if (_isDraining)
                await LingerAsync();
            End();
            await DiscardAsync();
            await receiving;
        }
        finally
        {
            NetworkLog.Closed(_services.Log, Id);
            _completion.SetResult();
        }
    }

    /// <summary>Takes no more requests; those that were received are still answered, then the connection closes.</summary>
    public void Drain()
    {
        _isDraining = true;
        _stopReading.Cancel();
    }

    /// <summary>Closes the connection at once: the one place where that is done. More calls do nothing.</summary>
    public void End()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
            return;
        _socket.Dispose();
        _stopReading.Cancel();
        _closed.Cancel();
    }

    /// <summary>Ends the connection if its client has kept silent for too long. Called every now and then.</summary>
    public void CheckTimeouts()
    {
        if (Volatile.Read(ref _ended) != 0)
            return;
        // The present is read first: what happens meanwhile then makes the silence shorter, never longer.
        long now = _services.Time.GetTimestamp();
        TimeSpan sinceReceived = _services.Time.GetElapsedTime(Volatile.Read(ref _lastReceived), now);
        TimeSpan longestStall = _holdsRoomOf is { WaitingCount: > 0 } ? s_longestStallInTheWay : s_longestStall;
        if (_stage == ReceiveStage.InFrame && sinceReceived > longestStall)
        {
            Reject(RequestRejectedException.Stalled, "The rest of the frame does not come.");
            End();
        }
        else if (SilenceAt(now) > _services.Limits.ConnectionsIdle && (_isSending || (_stage == ReceiveStage.Idle && _responses.InFlight == 0)))
        {
            NetworkLog.Idle(_services.Log, Id, _peer);
            End();
        }
    }

    private async Task ReceiveAllAsync()
    {
        await GuardAsync(ReceiveLoopAsync);
        _responses.Complete();
    }

    /// <summary>Runs a loop to its end, whatever that is. A frame without an answer leaves those before it theirs.</summary>
    private async Task GuardAsync(Func<Task> loop)
    {
        try
        {
            await loop();
        }
        catch (RequestRejectedException rejected)
        {
            Reject(rejected.Reason, rejected.Message);
        }
        catch (MalformedMessageException malformed)
        {
            Reject(RequestRejectedException.Malformed, malformed.Message);
        }
        catch (OperationCanceledException) when (_stopReading.IsCancellationRequested)
        {
            // This node wants it so.
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            NetworkLog.Broken(_services.Log, Id, error.Message);
            End();
        }
        catch (Exception error)
        {
            NetworkLog.ConnectionFailed(_services.Log, error, Id);
            End();
        }
    }

    private void Reject(string reason, string detail)
    {
        _services.Metrics.Rejected(reason);
        NetworkLog.Rejected(_services.Log, Id, _peer, reason, detail);
    }
}

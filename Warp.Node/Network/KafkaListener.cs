using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Warp.Node.Configuration;
using Warp.Node.Handlers;
using Warp.Node.Quotas;

namespace Warp.Node.Network;

/// <summary>
/// Listens for Kafka clients and serves each on a connection of its own. First <see cref="Bind"/>, which tells the port, then
/// <see cref="Start"/>; at the end <see cref="DrainAsync"/> and <see cref="DisposeAsync"/>.
/// </summary>
public sealed class KafkaListener : IAsyncDisposable
{
    /// <summary>Clients that may wait to be accepted.</summary>
    private const int Backlog = 512;

    /// <summary>The bound of requests without records, which are small and soon done with: some 30,000 waiting fetches of 2 KiB.</summary>
    private const long OthersBytes = 64L << 20;

    private static readonly TimeSpan s_timeoutCheckPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_acceptPause = TimeSpan.FromMilliseconds(100);

    private readonly HostPort _address;
    private readonly LimitsOptions _limits;
    private readonly BufferBudget _records;
    private readonly BufferBudget _others = new(OthersBytes);
    private readonly KafkaMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<long, KafkaConnection> _connections = new();
    private readonly CancellationTokenSource _stopping = new();
    private Socket? _socket;
    private Task _accepting = Task.CompletedTask;
    private ITimer? _timeoutCheck;

    /// <param name="address">Where to listen (<c>warp.kafka.listen</c>).</param>
    /// <param name="limits">The bounds of each connection.</param>
    /// <param name="records">Bounds the bytes of all produce requests of this node.</param>
    /// <param name="metrics">What is measured.</param>
    /// <param name="time">The clock of all timeouts.</param>
    /// <param name="loggers">Where it logs.</param>
    public KafkaListener(
        HostPort address, LimitsOptions limits, BufferBudget records, KafkaMetrics metrics, TimeProvider time, ILoggerFactory loggers)
    {
        _address = address;
        _limits = limits;
        _records = records;
        _metrics = metrics;
        _time = time;
        _log = loggers.CreateLogger<KafkaListener>();
        metrics.Observe(_records, _others);
    }

    /// <summary>The port that it listens on, once bound; 0 before.</summary>
    public int BoundPort { get; private set; }

    /// <summary>Connections that have not ended.</summary>
    public int ConnectionCount => _connections.Count;

    /// <summary>Bytes of all requests that are held, those with records included.</summary>
    public long BufferedBytes => _records.UsedBytes + _others.UsedBytes;

    /// <summary>Takes the port; clients can connect from now on, and wait.</summary>
    /// <exception cref="ConfigurationException">The port is taken, or the address is not this machine's.</exception>
    public void Bind()
    {
        IPEndPoint endPoint = Resolve();
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(endPoint);
            socket.Listen(Backlog);
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw Unusable(error);
        }
        _socket = socket;
        BoundPort = ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Begins to serve.</summary>
    /// <param name="dispatcher">The handlers.</param>
    /// <param name="throttle">The clients' quotas; null for none.</param>
    public void Start(ApiDispatcher dispatcher, RequestThrottle? throttle = null)
    {
        Socket socket = _socket ?? throw new InvalidOperationException("Not bound yet.");
        var services = new ConnectionServices(dispatcher, throttle, _limits, _records, _others, _metrics, _time, _log);
        _timeoutCheck = _time.CreateTimer(_ => CheckTimeouts(), null, s_timeoutCheckPeriod, s_timeoutCheckPeriod);
        _accepting = Task.Run(() => AcceptLoopAsync(socket, services));
        NetworkLog.Listening(_log, socket.LocalEndPoint);
    }

    /// <summary>Gives the port up; connections go on.</summary>
    public async Task StopAcceptingAsync()
    {
        await _stopping.CancelAsync();
        await _accepting;
        _socket?.Dispose();
    }

    /// <summary>Takes no more connections and requests, answers what was received, and closes all connections.</summary>
    /// <param name="deadline">After so long those that are not answered are closed anyway.</param>
    public async Task DrainAsync(TimeSpan deadline)
    {
        await StopAcceptingAsync();
        KafkaConnection[] connections = [.. _connections.Values];
        foreach (KafkaConnection connection in connections)
            connection.Drain();
        try
        {
            await Task.WhenAll(connections.Select(static connection => connection.Completion)).WaitAsync(deadline, _time);
        }
        catch (TimeoutException)
        {
            NetworkLog.NotDrained(_log, connections.Count(static connection => !connection.Completion.IsCompleted));
            foreach (KafkaConnection connection in connections)
                connection.End();
        }
    }

    /// <summary>Closes everything at once. The handlers that are still at work give their buffers back when they end.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAcceptingAsync();
        if (_timeoutCheck is not null)
            await _timeoutCheck.DisposeAsync();
        foreach (KafkaConnection connection in _connections.Values)
            connection.End();
    }

    private IPEndPoint Resolve()
    {
        try
        {
            return IPAddress.TryParse(_address.Host, out IPAddress? address)
                ? new IPEndPoint(address, _address.Port)
                : new IPEndPoint(Dns.GetHostAddresses(_address.Host)[0], _address.Port);
        }
        catch (SocketException error)
        {
            throw Unusable(error);
        }
    }

    private ConfigurationException Unusable(SocketException error) => new(error.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse =>
            $"warp.kafka.listen: {_address} is in use by another program; stop that, or choose another port",
        SocketError.AccessDenied => $"warp.kafka.listen: this user may not listen on {_address}; choose a port above 1023",
        SocketError.AddressNotAvailable => $"warp.kafka.listen: {_address} is no address of this machine",
        _ => $"warp.kafka.listen: {_address} cannot be listened on: {error.Message}",
    });

    private async Task AcceptLoopAsync(Socket listening, ConnectionServices services)
    {
        while (true)
        {
            try
            {
                Open(await listening.AcceptAsync(_stopping.Token), services);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException error)
            {
                // Out of descriptors, or a client that gave up while it waited.
                NetworkLog.AcceptFailed(_log, error.Message);
                await Task.Delay(s_acceptPause, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Open(Socket socket, ConnectionServices services)
    {
        KafkaConnection connection;
        try
        {
            socket.NoDelay = true;
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            connection = new KafkaConnection(socket, services);
        }
        catch (SocketException)
        {
            // It has gone again.
            socket.Dispose();
            return;
        }
        _connections[connection.Id] = connection;
        _metrics.Opened();
        _ = Task.Run(() => ServeAsync(connection));
    }

    private async Task ServeAsync(KafkaConnection connection)
    {
        try
        {
            await connection.RunAsync();
        }
        catch (Exception error)
        {
            NetworkLog.ConnectionFailed(_log, error, connection.Id);
        }
        finally
        {
            // Whoever sees no connection any more finds none in the metrics either.
            _metrics.Closed();
            _connections.TryRemove(connection.Id, out _);
        }
    }

    private void CheckTimeouts()
    {
        foreach (KafkaConnection connection in _connections.Values)
            connection.CheckTimeouts();
    }
}

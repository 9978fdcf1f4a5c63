using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// Listens for the other nodes of the cluster (<c>warp.rpc.listen</c>). First <see cref="Bind"/>, which tells the port, then
/// <see cref="Start"/>; at the end <see cref="DisposeAsync"/>.
/// </summary>
public sealed class PeerListener : IAsyncDisposable
{
    private const int Backlog = 512;

    private static readonly TimeSpan s_acceptPause = TimeSpan.FromMilliseconds(100);

    private readonly string _host;
    private readonly int _port;
    private readonly ActorSystem _system;
    private readonly PeerSettings _settings;
    private readonly PeerMetrics _metrics;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<PeerSession, Task> _sessions = new();
    private readonly CancellationTokenSource _stopping = new();
    private Socket? _socket;
    private Task _accepting = Task.CompletedTask;
    private ITimer? _check;
    private int _handshakes;
    private int _disposed;

    /// <param name="host">Name or IP address to listen on.</param>
    /// <param name="port">0 for any that is free.</param>
    /// <param name="system">Clock and scheduler.</param>
    /// <param name="settings">The secret, and the bounds.</param>
    /// <param name="metrics">What is measured.</param>
    public PeerListener(string host, int port, ActorSystem system, PeerSettings settings, PeerMetrics metrics)
    {
        _host = host;
        _port = port;
        _system = system;
        _settings = settings;
        _metrics = metrics;
        _log = system.Loggers.CreateLogger<PeerListener>();
    }

    /// <summary>The port that it listens on, once bound; 0 before.</summary>
    public int BoundPort { get; private set; }

    /// <summary>Connections that have not ended, those in their handshake included.</summary>
    public int ConnectionCount => _sessions.Count;

    /// <summary>Takes the port; peers can connect from now on, and wait.</summary>
    /// <exception cref="SocketException">The port is taken, or the address is not this machine's.</exception>
    public void Bind()
    {
        IPAddress address = IPAddress.TryParse(_host, out IPAddress? parsed) ? parsed : Dns.GetHostAddresses(_host)[0];
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(new IPEndPoint(address, _port));
            socket.Listen(Backlog);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        _socket = socket;
        BoundPort = ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Begins to serve.</summary>
    /// <param name="self">Who this node is.</param>
    /// <param name="handlers">One for each API.</param>
    public void Start(PeerIdentity self, IEnumerable<IPeerHandler> handlers)
    {
        Socket socket = _socket ?? throw new InvalidOperationException("Not bound yet.");
        var services = new PeerSessionServices(_system, self, _settings, _metrics, new PeerDispatcher(handlers), _log);
        TimeSpan period = PeerNetwork.CheckPeriod(_settings);
        _check = _system.Time.CreateTimer(_ => Check(), null, period, period);
        _accepting = _system.Start(() => AcceptLoopAsync(socket, services));
        PeerLog.Listening(_log, socket.LocalEndPoint);
    }

    /// <summary>Gives the port up and closes all connections; returns when their handlers have ended. Safe to repeat.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _stopping.CancelAsync();
        _socket?.Dispose();
        await _accepting;
        if (_check is not null)
            await _check.DisposeAsync();
        Task[] running = [.. _sessions.Values];
        foreach (PeerSession session in _sessions.Keys)
            session.End("this node stops");
        await Task.WhenAll(running);
        _stopping.Dispose();
    }

    private async Task AcceptLoopAsync(Socket listening, PeerSessionServices services)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                Open(await listening.AcceptAsync(_stopping.Token), services);
            }
            catch (Exception) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException error)
            {
                // Out of descriptors, or a peer that gave up while it waited.
                PeerLog.AcceptFailed(_log, error.Message);
                await Task.Delay(s_acceptPause, _system.Time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Open(Socket socket, PeerSessionServices services)
    {
        EndPoint? remote;
        try
        {
            remote = socket.RemoteEndPoint;
        }
        catch (SocketException)
        {
            // It has gone again.
            socket.Dispose();
            return;
        }
        if (Volatile.Read(ref _handshakes) >= _settings.MaxHandshakes)
        {
            PeerLog.TooManyHandshakes(_log, remote, _settings.MaxHandshakes);
            socket.Dispose();
            return;
        }
        Interlocked.Increment(ref _handshakes);
        var session = new PeerSession(socket, remote, services);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _sessions[session] = done.Task;
        _ = _system.Start(() => ServeAsync(session, done));
    }

    private async Task ServeAsync(PeerSession session, TaskCompletionSource done)
    {
        try
        {
            bool hasBegun;
            try
            {
                hasBegun = await session.BeginAsync();
            }
            finally
            {
                Interlocked.Decrement(ref _handshakes);
            }
            if (hasBegun)
                await session.RunAsync();
        }
        finally
        {
            _sessions.TryRemove(session, out _);
            done.SetResult();
        }
    }

    private void Check()
    {
        foreach (PeerSession session in _sessions.Keys)
            session.Check();
    }
}

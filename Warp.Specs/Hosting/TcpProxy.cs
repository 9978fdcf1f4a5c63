using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Warp.Specs.Hosting;

/// <summary>
/// Stands between a client and a server on this machine, and misbehaves when told: cuts connections, stops forwarding without closing them,
/// delays what it forwards, loses requests or answers, refuses new connections. Thread-safe.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly int _target;
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Link, Task> _links = new();
    private readonly Task _accepting;
    private volatile TaskCompletionSource _flowing = Flowing();
    private long _delayTicks;
    private long _endedBytes;
    private long _bytesThatPass = long.MaxValue;
    private int _accepted;
    private int _answersToCut;
    private volatile bool _isRefusing;
    private volatile Func<int, LinkFate> _fate = static _ => LinkFate.Pass;

    /// <param name="target">The server's port on the loopback address.</param>
    public TcpProxy(int target)
    {
        _target = target;
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect instead of to the server.</summary>
    public int Port { get; }

    /// <summary>How many connections were made through it.</summary>
    public int AcceptedCount => Volatile.Read(ref _accepted);

    /// <summary>How many connections are open.</summary>
    public int OpenCount => _links.Count;

    /// <summary>Bytes that have reached the server.</summary>
    public long BytesToServer => _links.Keys.Sum(static link => link.BytesToServer) + Interlocked.Read(ref _endedBytes);

    /// <summary>Each piece is forwarded so much later than it came, in both directions.</summary>
    public TimeSpan Delay
    {
        get => TimeSpan.FromTicks(Interlocked.Read(ref _delayTicks));
        set => Interlocked.Exchange(ref _delayTicks, value.Ticks);
    }

    /// <summary>New connections are closed at once.</summary>
    public bool IsRefusing
    {
        get => _isRefusing;
        set => _isRefusing = value;
    }

    /// <summary>Closes all connections, in a way that both sides see as broken.</summary>
    public void Cut()
    {
        foreach (Link link in _links.Keys)
            link.Cut();
    }

    /// <summary>
    /// Decides on connections one by one, by the port that the client connects from: on those that are open now, and on each new one.
    /// </summary>
    public void Decide(Func<int, LinkFate> fate)
    {
        _fate = fate;
        foreach (Link link in _links.Keys)
            link.Meet(fate(link.ClientPort));
    }

    /// <summary>Closes the connection of the next answer that comes, which its client never sees.</summary>
    public void CutNextAnswer() => Volatile.Write(ref _answersToCut, 1);

    /// <summary>Passes only so many more bytes on to the server, and none of those after, while all connections stay open.</summary>
    public void PassOnly(long bytes) => Interlocked.Exchange(ref _bytesThatPass, bytes);

    /// <summary>Whether all bytes that may pass have.</summary>
    public bool HasPassedAll => Interlocked.Read(ref _bytesThatPass) == 0;

    /// <summary>Forwards nothing more, on any connection, without closing one; new ones are accepted, and stall, too.</summary>
    public void Stall()
    {
        if (_flowing.Task.IsCompleted)
            _flowing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Goes on after <see cref="Stall"/>; nothing was lost.</summary>
    public void Resume() => _flowing.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        Cut();
        Resume();
        await _accepting;
        await Task.WhenAll(_links.Values);
        _stopping.Dispose();
    }

    private static TaskCompletionSource Flowing()
    {
        var flowing = new TaskCompletionSource();
        flowing.SetResult();
        return flowing;
    }

    /// <summary>How many of these bytes may pass on to the server.</summary>
    private int Pass(int count)
    {
        while (true)
        {
            long left = Interlocked.Read(ref _bytesThatPass);
            if (left == long.MaxValue)
                return count;
            int passing = (int)Math.Min(left, count);
            if (Interlocked.CompareExchange(ref _bytesThatPass, left - passing, left) == left)
                return passing;
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync(_stopping.Token);
                Interlocked.Increment(ref _accepted);
                if (_isRefusing)
                {
                    client.Dispose();
                    continue;
                }
                var link = new Link(this, client);
                _links[link] = link.Completion;
                Func<int, LinkFate> fate;
                do
                {
                    fate = _fate;
                    link.Meet(fate(link.ClientPort));
                }
                while (fate != _fate);
                _ = link.RunAsync();
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private sealed class Link(TcpProxy proxy, Socket client)
    {
        private readonly Socket _server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile TaskCompletionSource _passing = Flowing();
        private long _bytesToServer;

        /// <summary>The port that the client connects from.</summary>
        public int ClientPort { get; } = ((IPEndPoint)client.RemoteEndPoint!).Port;

        public Task Completion => _completion.Task;

        public long BytesToServer => Interlocked.Read(ref _bytesToServer);

        public async Task RunAsync()
        {
            await Task.Yield();
            try
            {
                client.NoDelay = true;
                await _server.ConnectAsync(IPAddress.Loopback, proxy._target, proxy._stopping.Token);
                await Task.WhenAll(PumpAsync(client, _server, isToServer: true), PumpAsync(_server, client, isToServer: false));
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // One side has gone.
            }
            finally
            {
                Cut();
                Interlocked.Add(ref proxy._endedBytes, BytesToServer);
                proxy._links.TryRemove(this, out _);
                _completion.SetResult();
            }
        }

        public void Meet(LinkFate fate)
        {
            if (fate == LinkFate.Cut)
                Cut();
            else if (fate == LinkFate.Pass)
                _passing.TrySetResult();
            else if (_passing.Task.IsCompleted)
                _passing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        public void Cut()
        {
            foreach (Socket socket in new[] { client, _server })
            {
                try
                {
                    socket.LingerState = new LingerOption(true, 0);
                }
                catch (Exception error) when (error is SocketException or ObjectDisposedException)
                {
                    // Closed already.
                }
                socket.Dispose();
            }
        }

        private async Task PumpAsync(Socket from, Socket to, bool isToServer)
        {
            var buffer = new byte[64 << 10];
            while (true)
            {
                int count = await from.ReceiveAsync(buffer, SocketFlags.None);
                if (proxy.Delay is var delay && delay > TimeSpan.Zero)
                    await Task.Delay(delay, proxy._stopping.Token);
                await proxy._flowing.Task.WaitAsync(proxy._stopping.Token);
                await _passing.Task.WaitAsync(proxy._stopping.Token);
                if (count == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }
                if (!isToServer && Interlocked.Exchange(ref proxy._answersToCut, 0) != 0)
                {
                    Cut();
                    return;
                }
                int passing = isToServer ? proxy.Pass(count) : count;
                for (int sent = 0; sent < passing;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, passing - sent), SocketFlags.None);
                if (isToServer)
                    Interlocked.Add(ref _bytesToServer, passing);
            }
        }
    }
}

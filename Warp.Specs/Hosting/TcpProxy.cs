using System.Net;
using System.Net.Sockets;

namespace Warp.Specs.Hosting;

/// <summary>Stands between a client and a server on this machine, and loses what its test says. Thread-safe.</summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, FreePorts.Take());
    private readonly CancellationTokenSource _stopping = new();
    private readonly int _target;
    private readonly Task _accepting;
    private long _requestBytesLeft = long.MaxValue;
    private volatile bool _cutsAnswers;

    public TcpProxy(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Closes the connection to a client when the next answer for it comes, which it never sees.</summary>
    public void CutNextAnswer() => _cutsAnswers = true;

    /// <summary>Passes only so many more bytes from clients on, and none of the ones after, while all connections stay open.</summary>
    public void PassOnly(long requestBytes) => Interlocked.Exchange(ref _requestBytesLeft, requestBytes);

    /// <summary>Whether all bytes that may pass have.</summary>
    public bool HasPassedAll => Interlocked.Read(ref _requestBytesLeft) == 0;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
                connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stopping.Token)));
        }
        catch (OperationCanceledException)
        {
        }
        await Task.WhenAll(connections);
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient _ = client;
        using var server = new TcpClient();
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target, _stopping.Token);
            await Task.WhenAny(
                PumpAsync(client.GetStream(), server.GetStream(), PassRequest),
                PumpAsync(server.GetStream(), client.GetStream(), PassAnswer));
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, Func<int, int> pass)
    {
        var buffer = new byte[16 << 10];
        while (await from.ReadAsync(buffer, _stopping.Token) is > 0 and int read)
        {
            int passes = pass(read);
            if (passes < 0)
                return;
            await to.WriteAsync(buffer.AsMemory(0, passes), _stopping.Token);
        }
    }

    private int PassRequest(int bytes)
    {
        while (true)
        {
            long left = Interlocked.Read(ref _requestBytesLeft);
            if (left == long.MaxValue)
                return bytes;
            int passes = (int)Math.Min(left, bytes);
            if (Interlocked.CompareExchange(ref _requestBytesLeft, left - passes, left) == left)
                return passes;
        }
    }

    private int PassAnswer(int bytes)
    {
        if (!_cutsAnswers)
            return bytes;
        _cutsAnswers = false;
        return -1;
    }
}

using System.Net;
using System.Net.Sockets;

namespace Warp.Specs.Hosting;

/// <summary>
/// Hands out TCP ports on which nothing listens. They lie below the range that Linux gives to outgoing connections (32768 and up): a port
/// of that range may be taken while its node is down, and a client that keeps connecting to it can even connect to itself.
/// </summary>
public static class FreePorts
{
    private const int First = 20_000;
    private const int Last = 32_000;

    private static readonly Lock _lock = new();
    private static int _next = First + (Environment.ProcessId * 97 % (Last - First));

    /// <summary>A port that this process has not been given before. Thread-safe.</summary>
    public static int Take()
    {
        lock (_lock)
        {
            for (int attempt = First; attempt < Last; attempt++)
            {
                int port = _next++;
                if (_next >= Last)
                    _next = First;
                if (IsFree(port))
                    return port;
            }
        }
        throw new InvalidOperationException($"no free port from {First} to {Last}");
    }

    /// <summary>The first of several ports in a row that this process has not been given before. Thread-safe.</summary>
    public static int TakeRow(int count)
    {
        lock (_lock)
        {
            int first = Take();
            for (int last = first; last - first < count - 1;)
            {
                int next = Take();
                if (next != last + 1)
                    first = next;
                last = next;
            }
            return first;
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

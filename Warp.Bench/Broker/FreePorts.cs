using System.Net;
using System.Net.Sockets;

namespace Warp.Bench.Broker;

/// <summary>Finds TCP ports of the loopback interface on which nothing listens.</summary>
internal static class FreePorts
{
    // Below the range that Linux gives to outgoing connections (32768 and up): a thousand of those are made here, and one of them could
    // take a port before the broker does.
    private const int First = 20_000;
    private const int Last = 32_000;

    private static int s_next = First + (Environment.ProcessId * 89 % (Last - First));

    /// <summary>A port that this process has not been given before.</summary>
    public static int Take()
    {
        for (int attempt = First; attempt < Last; attempt++)
        {
            int port = First + (Interlocked.Increment(ref s_next) % (Last - First));
            if (IsFree(port))
                return port;
        }
        throw new InvalidOperationException($"no free port from {First} to {Last}");
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

using System.Globalization;

namespace Warp.Specs.Hosting;

/// <summary>Finds out which process a connection on the loopback interface comes from (Linux).</summary>
public static class SocketOwner
{
    private static readonly string[] s_tables = ["/proc/net/tcp", "/proc/net/tcp6"];

    /// <summary>Whether the client's end of a connection is a socket of the process.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="clientPort">The port that the connection comes from.</param>
    /// <param name="serverPort">The port that it leads to.</param>
    public static bool IsOf(int processId, int clientPort, int serverPort) =>
        InodeOf(clientPort, serverPort) is { } inode && Sockets(processId).Contains($"socket:[{inode}]");

    private static string? InodeOf(int clientPort, int serverPort)
    {
        // "sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …", addresses as hexadecimal IP:PORT.
        foreach (string[] columns in s_tables.SelectMany(File.ReadLines).Skip(1).Select(
            static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
        {
            if (columns.Length > 9 && PortOf(columns[1]) == clientPort && PortOf(columns[2]) == serverPort)
                return columns[9];
        }
        return null;
    }

    private static int? PortOf(string address) =>
        int.TryParse(address.AsSpan(address.IndexOf(':') + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int port) ? port : null;

    private static IEnumerable<string> Sockets(int processId)
    {
        string[] handles;
        try
        {
            handles = Directory.GetFiles($"/proc/{processId}/fd");
        }
        catch (Exception error) when (error is DirectoryNotFoundException or UnauthorizedAccessException)
        {
            // It has ended.
            yield break;
        }
        foreach (string handle in handles)
        {
            if (TargetOf(handle) is { } target)
                yield return target;
        }
    }

    private static string? TargetOf(string handle)
    {
        try
        {
            return new FileInfo(handle).LinkTarget;
        }
        catch (IOException)
        {
            return null; // closed meanwhile
        }
    }
}

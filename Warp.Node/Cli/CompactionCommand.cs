using System.Net.Sockets;
using Warp.Node.Configuration;

namespace Warp.Node.Cli;

/// <summary><c>warp compaction</c>: asks a running node on this machine how compaction goes, or steers it, and prints the answer.</summary>
public static class CompactionCommand
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    /// <summary>Sends one command.</summary>
    /// <param name="verb">What to do.</param>
    /// <param name="http">Where the node listens (<c>warp.http.listen</c>).</param>
    /// <param name="output">Gets the answer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns><see cref="ExitCode.Ok"/>.</returns>
    /// <exception cref="IOException">The node does not answer, or not with what was asked for.</exception>
    public static async Task<int> RunAsync(CompactionVerb verb, HostPort http, TextWriter output, CancellationToken cancellationToken)
    {
        using var client = new HttpClient { Timeout = s_patience };
        string host = http.IsWildcard ? "localhost" : http.Host.Contains(':') ? $"[{http.Host}]" : http.Host;
        var root = new Uri($"http://{host}:{http.Port}/compaction");
        try
        {
            using HttpResponseMessage response = verb == CompactionVerb.Show
                ? await client.GetAsync(root, cancellationToken)
                : await client.PostAsync(new Uri($"{root}/{verb.ToString().ToLowerInvariant()}"), null, cancellationToken);
            string text = await response.Content.ReadAsStringAsync(cancellationToken);
            if (!response.IsSuccessStatusCode)
                throw new IOException($"the node at {http} answered {(int)response.StatusCode}: {text.Trim()}");
            await output.WriteAsync(text);
            return ExitCode.Ok;
        }
        catch (HttpRequestException error)
        {
            string why = error.InnerException is SocketException socket ? socket.Message : error.Message;
            throw new IOException($"no node answers at {http} ({why}); warp.http.listen says where it listens", error);
        }
        catch (TaskCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the node at {http} did not answer within {s_patience.TotalSeconds} s", error);
        }
    }
}

/// <summary>What <c>warp compaction</c> can be told.</summary>
public enum CompactionVerb
{
    /// <summary>Says how it goes.</summary>
    Show,

    /// <summary>Looks now, and merges what can be merged.</summary>
    Run,

    /// <summary>Begins no more jobs.</summary>
    Pause,

    /// <summary>Begins jobs again.</summary>
    Resume,
}

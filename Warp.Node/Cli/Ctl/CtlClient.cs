using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Warp.Node.Configuration;

namespace Warp.Node.Cli.Ctl;

/// <summary>Asks a node over HTTP.</summary>
/// <param name="node">Where it listens (<c>warp.http.listen</c>).</param>
internal sealed class CtlClient(HostPort node) : IDisposable
{
    /// <summary>Longer than a node waits for its own doings.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10) })
    {
        BaseAddress = new Uri($"http://{(node.IsWildcard ? "localhost" : node.Host.Contains(':') ? $"[{node.Host}]" : node.Host)}:{node.Port}"),
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Sends a command and gives its whole answer.</summary>
    /// <exception cref="ConfigurationException">No node answers there, or the command makes no sense.</exception>
    /// <exception cref="IOException">It was not carried out; the message is the node's.</exception>
    public async Task<string> AskAsync(HttpMethod method, string path, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(method, path, cancellationToken);
        string text = await ReadAsync(response.Content, cancellationToken);
        return response.IsSuccessStatusCode ? text : throw Refusal(response.StatusCode, text);
    }

    /// <summary>Sends a command whose answer comes by and by.</summary>
    /// <param name="path">The command.</param>
    /// <param name="entry">Told of each thing that was found.</param>
    /// <param name="cancellationToken">Gives up; the node then does, too.</param>
    /// <returns>The result.</returns>
    /// <exception cref="ConfigurationException">No node answers there, or the command makes no sense.</exception>
    /// <exception cref="IOException">It was not carried out, or not to its end.</exception>
    public async Task<JsonElement> RunAsync(string path, Action<JsonElement> entry, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Post, path, cancellationToken, Timeout.InfiniteTimeSpan);
        if (!response.IsSuccessStatusCode)
            throw Refusal(response.StatusCode, await ReadAsync(response.Content, cancellationToken));
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        try
        {
            while (await lines.ReadLineAsync(cancellationToken) is { } line)
            {
                JsonElement document = JsonDocument.Parse(line).RootElement;
                if (document.TryGetProperty("entry", out JsonElement found))
                    entry(found);
                else if (document.TryGetProperty("result", out JsonElement result))
                    return result;
                else
                    throw new IOException(document.GetProperty("error").GetString());
            }
        }
        catch (HttpIOException error)
        {
            throw Cut(error);
        }
        throw Cut(null);

        IOException Cut(Exception? error) => new($"the node at {node} ended before it was done; ask again when it is back", error);
    }

    /// <summary>What a path that answers with text says, and whether that is good.</summary>
    /// <exception cref="ConfigurationException">No node answers there.</exception>
    public async Task<(bool IsGood, string Text)> ProbeAsync(string path, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, path, cancellationToken);
        return (response.IsSuccessStatusCode, (await ReadAsync(response.Content, cancellationToken)).Trim());
    }

    public void Dispose() => _http.Dispose();

    private static Exception Refusal(HttpStatusCode status, string text)
    {
        string message = text.Trim();
        try
        {
            message = JsonDocument.Parse(text).RootElement.GetProperty("error").GetString() ?? message;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // It is a text.
        }
        return status == HttpStatusCode.BadRequest ? new ConfigurationException(message) : new IOException(message);
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        using var request = new HttpRequestMessage(method, path);
        using var late = new CancellationTokenSource(patience ?? s_patience);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, giveUp.Token);
        }
        catch (HttpRequestException error)
        {
            string why = error.InnerException is SocketException socket ? socket.Message : error.Message;
            throw new ConfigurationException(
                $"no node answers at {node} ({why}); warp.http.listen of a node says where it listens, --node names another one");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ConfigurationException($"the node at {node} did not answer within {s_patience.TotalSeconds} s");
        }
    }

    private async Task<string> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        try
        {
            return await content.ReadAsStringAsync(cancellationToken);
        }
        catch (HttpRequestException error)
        {
            throw new IOException($"the node at {node} ended before it had answered", error);
        }
    }
}

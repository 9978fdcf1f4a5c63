using System.Net;
using System.Text;
using Warp.Specs.Hosting;

namespace Warp.Specs.Streams.Objects.S3;

/// <summary>
/// A server that answers S3's requests for single objects and listings from memory, for what no real server at hand does: it may ignore or
/// refuse conditions, and fail with any code. It ends when it is disposed of.
/// </summary>
internal sealed class FakeS3Server : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Dictionary<string, byte[]> _objects = [];
    private readonly Task _serving;

    public FakeS3Server()
    {
        Endpoint = new Uri($"http://127.0.0.1:{FreePorts.Take()}/");
        _listener.Prefixes.Add(Endpoint.ToString());
        _listener.Start();
        _serving = ServeAsync();
    }

    public Uri Endpoint { get; }

    /// <summary>Decides a request before it is served: a status and S3's code of an error, or null to serve it.</summary>
    public Func<HttpListenerRequest, (int Status, string Code)?> Script { get; set; } = static _ => null;

    /// <summary>The method and key of each request so far.</summary>
    public List<string> Requests { get; } = [];

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            await AnswerAsync(context.Request, context.Response);
            context.Response.Close();
        }
    }

    private async Task AnswerAsync(HttpListenerRequest request, HttpListenerResponse response)
    {
        string key = request.Url!.AbsolutePath;
        Requests.Add($"{request.HttpMethod} {key}");
        var body = new MemoryStream();
        await request.InputStream.CopyToAsync(body);
        bool isListing = request.QueryString["list-type"] is not null;
        (int status, string code) = Script(request) ?? (isListing ? (200, "") : Serve(request.HttpMethod, key, body.ToArray()));
        response.StatusCode = status;
        if (status < 300 && isListing)
        {
            await response.OutputStream.WriteAsync(Listing($"{key.TrimEnd('/')}/", request.QueryString["prefix"]));
        }
        else if (status < 300)
        {
            if (request.HttpMethod is "GET" or "HEAD")
                response.ContentLength64 = _objects[key].Length;
            if (request.HttpMethod == "GET")
                await response.OutputStream.WriteAsync(_objects[key]);
        }
        else if (request.HttpMethod != "HEAD")
        {
            await response.OutputStream.WriteAsync(
                Encoding.UTF8.GetBytes($"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>It says {code}</Message></Error>"));
        }
    }

    private byte[] Listing(string bucket, string? prefix)
    {
        var keys = _objects.Keys.Where(path => path.StartsWith(bucket + prefix, StringComparison.Ordinal))
            .Select(path => path[bucket.Length..]).Order(StringComparer.Ordinal);
        string contents = string.Concat(keys.Select(
            key => $"<Contents><Key>{key}</Key><Size>0</Size><LastModified>2020-01-01T00:00:00.000Z</LastModified></Contents>"));
        return Encoding.UTF8.GetBytes($"<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>");
    }

    private (int Status, string Code) Serve(string method, string key, byte[] body)
    {
        switch (method)
        {
            case "PUT":
                _objects[key] = body;
                return (200, "");
            case "DELETE":
                _objects.Remove(key);
                return (204, "");
            default:
                return _objects.ContainsKey(key) ? (200, "") : (404, "NoSuchKey");
        }
    }
}

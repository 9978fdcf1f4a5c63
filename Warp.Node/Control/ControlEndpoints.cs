using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Warp.Actors.Cluster;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Node.Hosting;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;
using static Microsoft.AspNetCore.Http.StatusCodes;

namespace Warp.Node.Control;

/// <summary>
/// What <c>warp ctl</c> asks a node for: paths under <c>/admin/</c>, answered with JSON. What only shows something is a GET; what does or
/// changes something is a POST, for callers on the same machine. Arguments are in the query.
/// </summary>
/// <remarks>
/// Long runs over the store answer by and by, with a JSON document a line: an <c>entry</c> for each thing that was found, then either the
/// <c>result</c> or an <c>error</c>. Other errors are a status and <c>{"error": …}</c>: 400 a wrong command, 403 not from there, 404 no such
/// thing, 409 refused, 503 not now.
/// </remarks>
internal sealed class ControlEndpoints
{
    private const string Root = "/admin/";

    /// <summary>How answers are written, and read by <c>warp ctl</c>.</summary>
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly Dictionary<(string Method, string Path), Command> s_commands = new()
    {
        [(HttpMethods.Get, "cluster")] = async (node, _, token) => await node.Nodes.ShowAsync(token),
        [(HttpMethods.Post, "cluster/drain")] = async (node, query, token) => await node.Nodes.DrainAsync(query.Node(node), token),
        [(HttpMethods.Post, "cluster/undrain")] = async (node, query, token) => await node.Nodes.UndrainAsync(query.Node(node), token),
        [(HttpMethods.Post, "cluster/leave")] = async (node, query, token) => await node.Nodes.LeaveAsync(query.Node(node), token),
        [(HttpMethods.Post, "cluster/down")] = async (node, query, token) =>
            await node.Nodes.DownAsync(query.Node(node), query.Flag("force"), token),
        [(HttpMethods.Get, "shards")] = async (node, _, token) => await node.Shards.ShowAsync(singletons: false, token),
        [(HttpMethods.Post, "shards/move")] = async (node, query, token) =>
            await node.Shards.MoveAsync(query.Number("shard"), query.Node(node), token),
        [(HttpMethods.Post, "shards/rebalance")] = async (node, _, token) => await node.Shards.RebalanceAsync(token),
        [(HttpMethods.Get, "singletons")] = async (node, _, token) => await node.Shards.ShowAsync(singletons: true, token),
        [(HttpMethods.Get, "topics")] = async (node, query, token) =>
            query.Text("name") is { } name ? await node.Topics.ShowAsync(name, token) : node.Topics.List(),
        [(HttpMethods.Get, "groups")] = async (node, query, token) =>
            query.Text("id") is { } id ? await node.Groups.ShowAsync(id, token) : await node.Groups.ListAsync(token),
        [(HttpMethods.Get, "journal")] = async (node, _, token) => await node.Journal.ShowAsync(token),
    };

    private static readonly Dictionary<string, LongCommand> s_longCommands = new()
    {
        ["store/verify"] = static (node, _, report, token) => node.Store.VerifyAsync(report, token),
        ["store/gc"] = static (node, query, report, token) => node.Store.CollectAsync(query.Flag("dry-run"), report, token),
        ["store/repair"] = static (node, _, _, token) => node.Store.RepairAsync(token),
    };

    private NodeControl? _control;

    private delegate Task<object> Command(NodeControl control, ControlQuery query, CancellationToken cancellationToken);

    private delegate Task<object> LongCommand(
        NodeControl control, ControlQuery query, Action<object> report, CancellationToken cancellationToken);

    /// <summary>From now on there is somebody to answer.</summary>
    public void Serve(NodeControl control) => Volatile.Write(ref _control, control);

    /// <summary>Answers what is meant for it; null for anything else.</summary>
    public Task? TryAnswer(HttpContext context)
    {
        if (context.Request.Path.Value is not { } whole || !whole.StartsWith(Root, StringComparison.Ordinal))
            return null;
        string path = whole[Root.Length..];
        string method = context.Request.Method;
        bool isPost = HttpMethods.IsPost(method);
        LongCommand? longCommand = isPost ? s_longCommands.GetValueOrDefault(path) : null;
        Command? command = s_commands.GetValueOrDefault((method, path));
        if (command is null && longCommand is null)
            return WriteErrorAsync(context, Status404NotFound, $"This version of Warp knows no {method} {whole}.");
        if (isPost && LocalCallers.WhyNot(context) is { } objection)
            return WriteErrorAsync(context, Status403Forbidden, objection);
        if (Volatile.Read(ref _control) is not { } control)
            return WriteErrorAsync(context, Status503ServiceUnavailable, "The node is starting.");
        return longCommand is null ? AnswerAsync(context, control, command!) : AnswerAsync(context, control, longCommand);
    }

    private static async Task AnswerAsync(HttpContext context, NodeControl control, Command command)
    {
        try
        {
            object report = await command(control, new ControlQuery(context.Request.Query), context.RequestAborted);
            await WriteAsync(context, Status200OK, report);
        }
        catch (Exception error) when (!context.RequestAborted.IsCancellationRequested)
        {
            await WriteErrorAsync(context, StatusOf(error), error.Message);
        }
        catch (Exception)
        {
            // Whoever asked is gone.
        }
    }

    private static async Task AnswerAsync(HttpContext context, NodeControl control, LongCommand command)
    {
        // What is found is found on many threads, faster perhaps than it can be sent; faults and garbage are few.
        var found = Channel.CreateUnbounded<object>(new UnboundedChannelOptions { SingleReader = true });
        Task<object> run = RunAsync();
        try
        {
            await foreach (object entry in found.Reader.ReadAllAsync(context.RequestAborted))
                await WriteLineAsync(context, new { Entry = entry });
            await WriteLineAsync(context, new { Result = await run });
        }
        catch (Exception error) when (!context.RequestAborted.IsCancellationRequested)
        {
            if (context.Response.HasStarted)
                await WriteLineAsync(context, new { Error = error.Message });
            else
                await WriteErrorAsync(context, StatusOf(error), error.Message);
        }
        catch (Exception)
        {
            // Whoever asked is gone; so is the interest in the outcome.
            _ = run.Exception;
        }

        async Task<object> RunAsync()
        {
            try
            {
                return await command(
                    control, new ControlQuery(context.Request.Query), entry => found.Writer.TryWrite(entry), context.RequestAborted);
            }
            finally
            {
                found.Writer.Complete();
            }
        }
    }

    private static int StatusOf(Exception error) => error switch
    {
        ControlException { Failure: ControlFailure.Misused } => Status400BadRequest,
        ControlException { Failure: ControlFailure.NotFound } => Status404NotFound,
        ControlException { Failure: ControlFailure.Refused } or LineageException => Status409Conflict,
        ControlException or NotShardCoordinatorException or PeerCallException or JournalException or OwnershipLostException
            or ObjectStoreException or TimeoutException or ActorStoppedException => Status503ServiceUnavailable,
        _ => Status500InternalServerError,
    };

    private static Task WriteErrorAsync(HttpContext context, int status, string message) =>
        WriteAsync(context, status, new { Error = message });

    private static Task WriteAsync(HttpContext context, int status, object document) => AdminEndpoints.WriteAsync(
        context, status, JsonSerializer.Serialize(document, document.GetType(), Json) + "\n", "application/json");

    private static async Task WriteLineAsync(HttpContext context, object document)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = "application/x-ndjson";
            context.Response.Headers.CacheControl = "no-store";
        }
        await context.Response.WriteAsync(JsonSerializer.Serialize(document, document.GetType(), Json) + "\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}

using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using static Microsoft.AspNetCore.Http.StatusCodes;

namespace Warp.Node.Hosting;

/// <summary>
/// Compaction for operators: <c>GET /compaction</c> says how it goes, <c>POST /compaction/pause</c>, <c>/resume</c> and <c>/run</c> steer
/// it; the same under <c>/admin/compaction</c>. All answer with the state as JSON. What changes something is for callers on the same machine
/// only.
/// </summary>
public sealed class CompactionEndpoints
{
    private const string Root = "/compaction";
    private const string AdminRoot = "/admin/compaction";

    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(30);

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private ActorRef<CompactionMessage>? _planner;

    /// <summary>From now on there is somebody to answer.</summary>
    public void Serve(ActorRef<CompactionMessage> planner) => Volatile.Write(ref _planner, planner);

    /// <summary>Answers what is meant for it; null for anything else.</summary>
    public Task? TryAnswer(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        if (path.StartsWith(AdminRoot, StringComparison.Ordinal))
            path = path[(AdminRoot.Length - Root.Length)..];
        if (path == Root && HttpMethods.IsGet(context.Request.Method))
            return AskAsync(context, static reply => new CompactionMessage.Describe(reply));
        if (!HttpMethods.IsPost(context.Request.Method))
            return null;
        Ask<CompactionMessage, CompactionStatus>? command = path switch
        {
            Root + "/pause" => static reply => new CompactionMessage.SetPaused(true, reply),
            Root + "/resume" => static reply => new CompactionMessage.SetPaused(false, reply),
            Root + "/run" => static reply => new CompactionMessage.RunNow(reply),
            _ => null,
        };
        if (command is null)
            return null;
        return LocalCallers.WhyNot(context) is { } objection
            ? AdminEndpoints.WriteAsync(context, Status403Forbidden, objection + "\n")
            : AskAsync(context, command);
    }

    private async Task AskAsync(HttpContext context, Ask<CompactionMessage, CompactionStatus> question)
    {
        if (Volatile.Read(ref _planner) is not { } planner)
        {
            await AdminEndpoints.WriteAsync(context, Status503ServiceUnavailable, "the node is starting\n");
            return;
        }
        try
        {
            CompactionStatus status = await planner.AskAsync(question, s_ask, context.RequestAborted);
            await AdminEndpoints.WriteAsync(context, Status200OK, JsonSerializer.Serialize(status, s_json) + "\n", "application/json");
        }
        catch (Exception error) when (error is TimeoutException or ActorStoppedException or JournalException)
        {
            await AdminEndpoints.WriteAsync(context, Status503ServiceUnavailable, error.Message + "\n");
        }
    }
}

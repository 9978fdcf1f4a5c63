using System.Text.Json;
using Warp.Actors.Maintenance;
using Warp.Node.Control;
using Warp.Node.Control.Reports;

namespace Warp.Node.Cli.Ctl;

/// <summary>Carries out one command of <c>warp ctl</c>: asks a node, and prints its answer as tables or as JSON.</summary>
internal sealed class CtlCommand(CtlCall call, CtlTables tables, TextWriter output)
{
    private static readonly JsonSerializerOptions s_indented = new(ControlEndpoints.Json) { WriteIndented = true };

    /// <returns><see cref="ExitCode.Ok"/>, or <see cref="ExitCode.Failed"/> when there were faults.</returns>
    /// <exception cref="Configuration.ConfigurationException">No node answers there, or the command makes no sense.</exception>
    /// <exception cref="IOException">It was not carried out; the message is the node's.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var client = new CtlClient(call.Node);
        string Argument(int i) => Uri.EscapeDataString(call.Arguments[i]);
        return call.Words switch
        {
            "cluster show" => await ShowAsync<ClusterReport>("cluster", tables.Write),
            "cluster drain" or "cluster undrain" or "cluster leave" =>
                await DoAsync<DoneReport>($"{call.Words.Replace(' ', '/')}?node={Argument(0)}", tables.Write),
            "cluster down" => await DoAsync<DoneReport>(
                $"cluster/down?node={Argument(0)}&force={(call.Flags.Contains(CtlPalette.Force) ? "true" : "false")}", tables.Write),
            "shards show" => await ShowAsync<ShardsReport>("shards", tables.Write),
            "shards move" => await DoAsync<MovesReport>($"shards/move?shard={Argument(0)}&node={Argument(1)}", tables.Write),
            "shards rebalance" => await DoAsync<MovesReport>("shards/rebalance", tables.Write),
            "singletons show" => await ShowAsync<ShardsReport>("singletons", tables.Write),
            "topics" => await ShowAsync<TopicsReport>(call.Arguments.Count == 0 ? "topics" : $"topics?name={Argument(0)}", tables.Write),
            "groups" => await ShowAsync<GroupsReport>(call.Arguments.Count == 0 ? "groups" : $"groups?id={Argument(0)}", tables.Write),
            "compaction show" => await ShowAsync<CompactionStatus>("compaction", tables.Write),
            "compaction run" or "compaction pause" or "compaction resume" =>
                await DoAsync<CompactionStatus>(call.Words.Replace(' ', '/'), tables.Write),
            "store verify" => await VerifyAsync(),
            "store gc" => await CollectAsync(),
            "store repair" => await RepairAsync(),
            "journal show" => await ShowAsync<JournalReport>("journal", tables.Write),
            "health" => await ProbeAsync(),
            _ => throw new InvalidOperationException($"The palette has '{call.Words}', which nobody carries out."),
        };

        Task<int> ShowAsync<T>(string path, Action<T> write) => AskAsync(HttpMethod.Get, path, write);

        Task<int> DoAsync<T>(string path, Action<T> write) => AskAsync(HttpMethod.Post, path, write);

        async Task<int> AskAsync<T>(HttpMethod method, string path, Action<T> write)
        {
            string answer = await client.AskAsync(method, $"/admin/{path}", cancellationToken);
            if (call.Json)
                output.WriteLine(JsonSerializer.Serialize(JsonDocument.Parse(answer).RootElement, s_indented));
            else
                write(JsonSerializer.Deserialize<T>(answer, ControlEndpoints.Json)!);
            return ExitCode.Ok;
        }

        async Task<int> VerifyAsync()
        {
            var lines = new ReportWriter(output, call.Json, "findings");
            JsonElement result = await client.RunAsync("/admin/store/verify", entry =>
            {
                FaultReport fault = entry.Deserialize<FaultReport>(ControlEndpoints.Json)!;
                lines.Write($"{fault.Kind} {fault.Subject}: {fault.Problem}", fault);
            }, cancellationToken);
            VerifiedReport read = result.Deserialize<VerifiedReport>(ControlEndpoints.Json)!;
            lines.End(StoreText.Verified(read), read);
            return read.Faults == 0 ? ExitCode.Ok : ExitCode.Failed;
        }

        async Task<int> CollectAsync()
        {
            bool dryRun = call.Flags.Contains(CtlPalette.DryRun);
            var lines = new ReportWriter(output, call.Json, "objects");
            long listed = 0;
            JsonElement result = await client.RunAsync($"/admin/store/gc?dry-run={(dryRun ? "true" : "false")}", entry =>
            {
                GarbageReport garbage = entry.Deserialize<GarbageReport>(ControlEndpoints.Json)!;
                lines.Write(StoreText.Collected(garbage, dryRun), garbage);
                listed++;
            }, cancellationToken);
            SweptReport swept = result.Deserialize<SweptReport>(ControlEndpoints.Json)!;
            string unlisted = swept.Count > listed ? $", {swept.Count - listed} of them not listed" : "";
            lines.End($"{StoreText.Swept(swept)}{unlisted} (node {swept.Node})", swept);
            return ExitCode.Ok;
        }

        async Task<int> RepairAsync()
        {
            JsonElement result = await client.RunAsync("/admin/store/repair", static _ => { }, cancellationToken);
            RepairedReport repaired = result.Deserialize<RepairedReport>(ControlEndpoints.Json)!;
            output.WriteLine(call.Json ? JsonSerializer.Serialize(repaired, s_indented) : StoreText.Repaired(repaired));
            return repaired.Failed == 0 ? ExitCode.Ok : ExitCode.Failed;
        }

        async Task<int> ProbeAsync()
        {
            (bool isAlive, string life) = await client.ProbeAsync("/healthz", cancellationToken);
            (bool isReady, string readiness) = await client.ProbeAsync("/readyz", cancellationToken);
            if (call.Json)
                output.WriteLine(JsonSerializer.Serialize(new { IsAlive = isAlive, IsReady = isReady, Problems = isReady ? [] : readiness.Split('\n') }, s_indented));
            else
                output.WriteLine(isReady ? "alive and ready" : isAlive ? $"alive, not ready: {readiness.Replace("\n", "; ")}" : $"failed: {life}");
            return isAlive && (isReady || !call.Flags.Contains(CtlPalette.Ready)) ? ExitCode.Ok : ExitCode.Failed;
        }
    }
}

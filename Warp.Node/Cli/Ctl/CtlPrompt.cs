using System.CommandLine.Parsing;
using System.Text.Json;
using Warp.Node.Configuration;
using Warp.Node.Control;
using Warp.Node.Control.Reports;

namespace Warp.Node.Cli.Ctl;

/// <summary>
/// <c>warp ctl</c> without a command: reads commands and carries them out, one after the other, until <c>exit</c> or the end of the input. From a
/// pipe it reads a command a line, and stops at nothing.
/// </summary>
/// <param name="node">The node that is asked.</param>
/// <param name="run">Carries a command out: the words after <c>warp</c>.</param>
public sealed class CtlPrompt(HostPort node, Func<IReadOnlyList<string>, Task<int>> run)
{
    /// <summary>How long the prompt waits for a node when it completes a word.</summary>
    private static readonly TimeSpan s_completing = TimeSpan.FromSeconds(2);

    /// <summary>Reads from a terminal.</summary>
    public async Task<int> RunAsync(IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var completer = new CtlCompleter(ValuesAsync);
        var editor = new LineEditor(
            static () => Console.ReadKey(intercept: true),
            static () => Console.WindowWidth,
            Console.Out,
            new CtlHistory(CtlHistory.FileOf(environment)),
            completer);
        Console.WriteLine($"The node at {node}. Tab completes, help lists the commands, exit ends.");
        while (true)
        {
            // While a line is read, Ctrl+C clears it; while a command runs, it ends it, and the prompt with it.
            Console.TreatControlCAsInput = true;
            string? line = await editor.ReadAsync("warp> ", cancellationToken);
            Console.TreatControlCAsInput = false;
            if (line is null || IsEnd(line))
                return ExitCode.Ok;
            await RunLineAsync(line);
            if (cancellationToken.IsCancellationRequested)
                return ExitCode.Ok;
        }
    }

    /// <summary>Reads a command a line.</summary>
    /// <returns>The worst of their exit codes.</returns>
    public async Task<int> RunAsync(TextReader input, CancellationToken cancellationToken)
    {
        int worst = ExitCode.Ok;
        while (await input.ReadLineAsync(cancellationToken) is { } line && !IsEnd(line))
            worst = Math.Max(worst, await RunLineAsync(line));
        return worst;
    }

    private static bool IsEnd(string line) => line.Trim() is "exit" or "quit";

    private async Task<int> RunLineAsync(string line)
    {
        string[] words = [.. CommandLineParser.SplitCommandLine(line)];
        // What is meant for the shell works here, too.
        if (words is ["warp", "ctl", ..])
            words = words[2..];
        if (words.Length == 0 || words[0].StartsWith('#'))
            return ExitCode.Ok;
        return await run(["ctl", .. words, .. words[0] == "help" ? (string[])[] : ["--node", node.ToString()]]);
    }

    private async Task<IReadOnlyList<string>> ValuesAsync(CtlArgumentKind kind, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_completing);
        try
        {
            using var client = new CtlClient(node);
            return kind switch
            {
                CtlArgumentKind.Node =>
                    [.. (await AskAsync<ClusterReport>("cluster")).Nodes.Select(static one => $"{one.Id}"), ControlQuery.Self],
                CtlArgumentKind.Shard => [.. (await AskAsync<ShardsReport>("shards")).Shards.Select(static shard => $"{shard.Shard}")],
                CtlArgumentKind.Topic => [.. (await AskAsync<TopicsReport>("topics")).Topics.Select(static topic => topic.Name)],
                CtlArgumentKind.Group => [.. (await AskAsync<GroupsReport>("groups")).Groups.Select(static group => group.Id)],
                _ => [],
            };

            async Task<T> AskAsync<T>(string path) => JsonSerializer.Deserialize<T>(
                await client.AskAsync(HttpMethod.Get, $"/admin/{path}", patience.Token), ControlEndpoints.Json)!;
        }
        catch (Exception error) when (error is ConfigurationException or IOException or OperationCanceledException or JsonException)
        {
            return [];
        }
    }
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Spectre.Console;
using Warp.Node.Cli.Ctl;
using Warp.Node.Configuration;
using Warp.Node.Hosting;

namespace Warp.Node.Cli;

/// <summary>What the commands do.</summary>
/// <param name="surroundings">Where their results go. Logs, and what is drawn on a terminal, go to this process's console.</param>
public sealed class NodeCommands(CommandSurroundings surroundings) : INodeCommands
{
    public async Task<int> RunNodeAsync(NodeOptions options, CancellationToken cancellationToken)
    {
        using ILoggerFactory loggers = CreateLoggers(LogLevel.Information);
        NodeHost host;
        try
        {
            host = await NodeHost.StartAsync(options, loggers, TimeProvider.System, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Ok;
        }
        return await RunUntilStoppedAsync(host, cancellationToken);
    }

    public async Task<int> RunPlaygroundAsync(PlaygroundArguments arguments, CancellationToken cancellationToken)
    {
        using ILoggerFactory loggers = CreateLoggers(LogLevel.Warning);
        return await PlaygroundCommand.RunAsync(arguments, surroundings.Output, loggers, TimeProvider.System, cancellationToken);
    }

    public async Task<int> RunDemoAsync(DemoArguments arguments, CancellationToken cancellationToken)
    {
        using ILoggerFactory loggers = CreateLoggers(LogLevel.Error);
        return await DemoCommand.RunAsync(arguments, loggers, TimeProvider.System, cancellationToken);
    }

    public Task<int> BenchAsync(BenchArguments arguments, CancellationToken cancellationToken) =>
        BenchCommand.RunAsync(arguments, surroundings, TimeProvider.System, cancellationToken);

    public async Task<int> InspectAsync(string objectPath, CancellationToken cancellationToken)
    {
        await using Stream output = Console.OpenStandardOutput();
        return await InspectCommand.RunAsync(objectPath, output, cancellationToken);
    }

    public Task<int> VerifyStoreAsync(NodeOptions options, bool json, CancellationToken cancellationToken) =>
        StoreCommand.VerifyAsync(options, json, surroundings.Output, TimeProvider.System, cancellationToken);

    public Task<int> CollectStoreAsync(NodeOptions options, bool dryRun, bool json, CancellationToken cancellationToken) =>
        StoreCommand.CollectAsync(options, dryRun, json, surroundings.Output, TimeProvider.System, cancellationToken);

    public Task<int> CompactionAsync(CompactionVerb verb, HostPort http, CancellationToken cancellationToken) =>
        CompactionCommand.RunAsync(verb, http, surroundings.Output, cancellationToken);

    public Task<int> RepairStoreAsync(NodeOptions options, bool json, CancellationToken cancellationToken) =>
        StoreCommand.RepairAsync(options, json, surroundings.Output, TimeProvider.System, cancellationToken);

    public Task<int> ControlAsync(CtlCall call, CancellationToken cancellationToken)
    {
        bool isTerminal = surroundings.Output == Console.Out && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Ansi;
        return new CtlCommand(call, new CtlTables(surroundings.Output, isTerminal), surroundings.Output).RunAsync(cancellationToken);
    }

    public Task<int> PromptAsync(HostPort node, CancellationToken cancellationToken)
    {
        var prompt = new CtlPrompt(node, words => CommandLine.RunAsync(words, this, surroundings, cancellationToken));
        return Console.IsInputRedirected
            ? prompt.RunAsync(Console.In, cancellationToken)
            : prompt.RunAsync(surroundings.Environment, cancellationToken);
    }

    /// <summary>Waits for the operator, or for the node to fail, and drains.</summary>
    private async Task<int> RunUntilStoppedAsync(NodeHost host, CancellationToken cancellationToken)
    {
        await using (host)
        {
            try
            {
                Task ended = await Task.WhenAny(host.Failure, host.LeaveRequested).WaitAsync(cancellationToken);
                await ended;
                await host.StopAsync();
                return ExitCode.Ok;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                await host.StopAsync();
                return ExitCode.Ok;
            }
            catch (Exception error)
            {
                surroundings.Error.WriteLine($"warp: the node failed: {error.Message}");
            }
        }
        return ExitCode.Failed;
    }

    /// <summary>Logs go to standard error, one line each: standard output is for what a command prints.</summary>
    private static ILoggerFactory CreateLoggers(LogLevel least) => LoggerFactory.Create(builder => builder
        .SetMinimumLevel(least)
        .AddSimpleConsole(static console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        })
        .Services.Configure<ConsoleLoggerOptions>(static console => console.LogToStandardErrorThreshold = LogLevel.Trace));
}

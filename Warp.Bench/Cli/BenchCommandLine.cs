using System.CommandLine;
using Warp.Load;
using Warp.Load.Broker;
using Warp.Load.Reporting;
using Warp.Node.Cli;

namespace Warp.Bench.Cli;

/// <summary>The command line: one load by its options, or scenarios from files.</summary>
internal static class BenchCommandLine
{
    private const int Failed = 1;
    private const int Unusable = 2;

    /// <summary>Runs what the arguments say.</summary>
    /// <returns>The exit code: 0, 1 when it failed, 2 when the arguments were wrong.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            return await Root().Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (ArgumentException e)
        {
            await Console.Error.WriteLineAsync($"bench: {e.Message}");
            return Unusable;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"bench: {e.Message}");
            return Failed;
        }
    }

    private static RootCommand Root()
    {
        var options = new LoadOptions();
        var brokers = new BrokerOptions(options);
        var json = new Option<bool>("--json") { Description = "The result as JSON." };
        var root = new RootCommand("Puts a load on a Kafka broker and measures what it costs.");
        foreach (Option option in brokers.All.Concat(options.All))
            root.Options.Add(option);
        root.Options.Add(json);
        root.Subcommands.Add(ScenariosCommand.Make());
        root.SetAction((parsed, cancellation) => LoadAsync(options, brokers, parsed, parsed.GetValue(json), cancellation));
        return root;
    }

    private static async Task<int> LoadAsync(
        LoadOptions options, BrokerOptions brokers, ParseResult parsed, bool json, CancellationToken cancellationToken)
    {
        LoadPlan plan = options.Plan(parsed);
        if (plan.Problem() is { } problem)
            throw new ArgumentException(problem);
        IBroker broker = await brokers.BrokerAsync(parsed);
        try
        {
            if (!json)
                Console.Write(LoadReport.Introduce(plan));
            LoadResult result = await LoadRun.RunAsync(plan, broker, TimeProvider.System, cancellationToken);
            Console.Write(json ? LoadReport.WriteJson(plan, result) : LoadReport.Write(plan, result));
            return result.Problems.Count == 0 ? 0 : Failed;
        }
        finally
        {
            if (broker is IAsyncDisposable own)
                await own.DisposeAsync();
            else
                (broker as IDisposable)?.Dispose();
        }
    }
}

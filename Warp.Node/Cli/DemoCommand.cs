using Microsoft.Extensions.Logging;
using Spectre.Console;
using Warp.Node.Demo;

namespace Warp.Node.Cli;

/// <summary>
/// <c>warp demo</c>: a playground with a producer and a consumer that speak Kafka's protocol over TCP, and a view of what they do: a
/// picture where there is a terminal, a line every second where there is none. The end is a summary.
/// </summary>
public static class DemoCommand
{
    /// <summary>Runs the demo on this process's console until its time is over or it is stopped.</summary>
    /// <param name="arguments">The playground, and for how long.</param>
    /// <param name="loggers">For the node; what they write to a terminal spoils the picture.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Stops it in an orderly way: what was produced is still consumed.</param>
    /// <returns><see cref="ExitCode.Ok"/>; every other end is an exception.</returns>
    public static Task<int> RunAsync(
        DemoArguments arguments, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        bool isTerminal = !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Ansi;
        IDemoView view = isTerminal ? new LiveDemoView(AnsiConsole.Console) : new PlainDemoView(Console.Out);
        return RunAsync(arguments, view, Console.Out, loggers, time, cancellationToken);
    }

    /// <summary>The same with a view and an output of one's own.</summary>
    public static async Task<int> RunAsync(
        DemoArguments arguments,
        IDemoView view,
        TextWriter output,
        ILoggerFactory loggers,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using PlaygroundNode node = await PlaygroundNode.StartAsync(arguments.Playground, loggers, time, cancellationToken);
        var introduction = new DemoIntroduction(
            node.Host.KafkaAddress, node.Host.HttpAddress, DemoRun.Topic, DemoRun.Partitions, arguments.For);
        DemoInterval? whole = null;
        await view.RunAsync(
            introduction,
            async show => whole = await new DemoRun(node.Host, time).RunAsync(arguments.For, show, cancellationToken));
        foreach (string line in DemoText.Summary(whole!))
            output.WriteLine(line);
        return ExitCode.Ok;
    }
}

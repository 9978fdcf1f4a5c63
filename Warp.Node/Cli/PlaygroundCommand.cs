using Microsoft.Extensions.Logging;
using Warp.Node.Demo;
using Warp.Node.Hosting;

namespace Warp.Node.Cli;

/// <summary><c>warp playground</c>: a node for trying things out, which does not stay around when it is forgotten.</summary>
public static class PlaygroundCommand
{
    /// <summary>How long a playground runs.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(24);

    /// <summary>Runs a node until it is stopped or too old; a temporary folder is deleted at the end.</summary>
    /// <param name="arguments">The folder, and what the node is told.</param>
    /// <param name="output">Gets the address and how to try it.</param>
    /// <param name="loggers">For the node.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns><see cref="ExitCode.Ok"/>; a failure of the node is an exception.</returns>
    public static async Task<int> RunAsync(
        PlaygroundArguments arguments, TextWriter output, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        await using PlaygroundNode node = await PlaygroundNode.StartAsync(arguments, loggers, time, cancellationToken);
        Introduce(arguments, node.Host, output);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task end = Task.Delay(Life, time, stopping.Token);
        Task first = await Task.WhenAny(end, node.Host.Failure);
        await stopping.CancelAsync();
        if (first != end)
            await first;
        if (!cancellationToken.IsCancellationRequested)
            output.WriteLine($"The playground has run for {Life.TotalHours:f0} hours and ends now.");
        return ExitCode.Ok;
    }

    private static void Introduce(PlaygroundArguments arguments, NodeHost host, TextWriter output)
    {
        string fate = arguments.IsTemporary ? "deleted at the end" : "kept";
        output.WriteLine(
            $"A Warp node listens on {host.KafkaAddress} for {Life.TotalHours:f0} hours. Its data is in {arguments.Directory} ({fate}).");
        output.WriteLine("Try it:");
        output.WriteLine($"  echo hello | kcat -b {host.KafkaAddress} -P -t hello");
        output.WriteLine($"  kcat -b {host.KafkaAddress} -C -t hello -e");
        output.WriteLine($"  curl http://{host.HttpAddress}/metrics");
        output.WriteLine("Ctrl+C ends it.");
    }
}

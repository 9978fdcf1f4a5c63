using Warp.Node.Configuration;

namespace Warp.Node.Cli;

/// <summary>The commands that need a running node.</summary>
public sealed class NodeCommands : INodeCommands
{
    public Task<int> RunNodeAsync(NodeOptions options, CancellationToken cancellationToken) => NotAvailable();

    public Task<int> RunPlaygroundAsync(PlaygroundArguments arguments, CancellationToken cancellationToken) => NotAvailable();

    public Task<int> RunDemoAsync(DemoArguments arguments, CancellationToken cancellationToken) => NotAvailable();

    public Task<int> InspectAsync(string objectPath, CancellationToken cancellationToken) => NotAvailable();

    private static Task<int> NotAvailable()
    {
        Console.Error.WriteLine("warp: not available in this build");
        return Task.FromResult(ExitCode.Failed);
    }
}

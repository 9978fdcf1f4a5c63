using Microsoft.Extensions.Logging;
using Warp.Node.Cli;
using Warp.Node.Configuration;
using Warp.Node.Hosting;

namespace Warp.Node.Demo;

/// <summary>A running node on a folder of its own; disposing drains it and deletes the folder if it is a temporary one.</summary>
internal sealed class PlaygroundNode : IAsyncDisposable
{
    private readonly PlaygroundArguments _arguments;

    private PlaygroundNode(PlaygroundArguments arguments, NodeHost host)
    {
        _arguments = arguments;
        Host = host;
    }

    public NodeHost Host { get; }

    /// <summary>Creates the folder and starts a node.</summary>
    /// <exception cref="ConfigurationException">The node cannot run as configured, or the folder cannot be created.</exception>
    public static async Task<PlaygroundNode> StartAsync(
        PlaygroundArguments arguments, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(arguments.Directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"cannot create the folder {arguments.Directory}: {e.Message}");
        }
        try
        {
            return new PlaygroundNode(arguments, await NodeHost.StartAsync(arguments.Options, loggers, time, cancellationToken));
        }
        catch
        {
            Delete(arguments);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        Delete(_arguments);
    }

    private static void Delete(PlaygroundArguments arguments)
    {
        if (arguments.IsTemporary)
            Directory.Delete(arguments.Directory, recursive: true);
    }
}

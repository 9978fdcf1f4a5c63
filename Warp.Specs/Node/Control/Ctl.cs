using System.Text.Json;
using Warp.Node.Cli;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Control;

/// <summary>Runs <c>warp ctl</c> against a node, in this process.</summary>
/// <param name="node">The node.</param>
internal sealed class Ctl(WarpProcess node)
{
    /// <summary>What a command has printed, and its exit code.</summary>
    public async Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] words)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var surroundings = new CommandSurroundings(output, errors, new Dictionary<string, string>());
        int exitCode = await CommandLine.RunAsync(
            ["ctl", .. words, "--node", node.Http.Authority],
            new NodeCommands(surroundings),
            surroundings,
            TestContext.Current.CancellationToken);
        return (exitCode, output.ToString(), errors.ToString());
    }

    /// <summary>What a command has printed; it must succeed.</summary>
    public async Task<string> DoAsync(string words)
    {
        (int exitCode, string output, string errors) = await RunAsync(words.Split(' '));
        Assert.True(exitCode == 0, $"{words} ended with {exitCode}: {errors}");
        return output;
    }

    /// <summary>What a command has printed as JSON; it must succeed.</summary>
    public async Task<JsonElement> JsonAsync(string words) => JsonDocument.Parse(await DoAsync($"{words} --json")).RootElement;

    /// <summary>The one line of a command that must fail.</summary>
    public async Task<string> FailAsync(string words, int exitCode = 1)
    {
        (int actual, string output, string errors) = await RunAsync(words.Split(' '));
        Assert.True(actual == exitCode, $"{words} ended with {actual}, printed {output} and {errors}");
        Assert.Empty(output);
        return Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}

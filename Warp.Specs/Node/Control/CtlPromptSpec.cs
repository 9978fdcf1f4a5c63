using System.Diagnostics;
using System.Text;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Control;

/// <summary>The prompt of <c>warp ctl</c>, in a terminal and from a pipe.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class CtlPromptSpec : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly StringBuilder _seen = new();
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("warp-specs-");
    private WarpProcess _node = null!;

    public async ValueTask InitializeAsync() => _node = await WarpProcess.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _home.Delete(recursive: true);
    }

    [Fact]
    public async Task In_a_terminal_it_completes_remembers_and_goes_on_after_an_error()
    {
        using Process terminal = Start("script", "--quiet", "--return", "--command", $"{Dotnet} {Program} ctl --node {_node.Http.Authority}", "/dev/null");
        await SeeAsync("exit ends.");
        await TypeAsync(terminal, "clu\tsh\t\r");
        await SeeAsync("coordinates the shards");
        await TypeAsync(terminal, "cluster drain 1\r");
        await SeeAsync("No other node could take the shards of node 1");
        await TypeAsync(terminal, "shards move 5 \t\t");
        await SeeAsync("1  self");
        await TypeAsync(terminal, "1\r");
        await SeeAsync("Shard 5 is on node 1 already.");
        // Up twice: the command before the last one.
        Forget();
        await TypeAsync(terminal, "\u001b[A\u001b[A\r");
        await SeeAsync("No other node could take the shards of node 1");
        await TypeAsync(terminal, "exit\r");
        await terminal.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(s_patience, TestContext.Current.CancellationToken);

        Assert.Equal(0, terminal.ExitCode);
        Assert.Equal(
            ["cluster show ", "cluster drain 1", "shards move 5 1", "cluster drain 1", "exit"],
            await File.ReadAllLinesAsync(Path.Combine(_home.FullName, "warp", "ctl_history"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task From_a_pipe_it_takes_a_command_a_line_and_ends_with_the_worst_exit_code()
    {
        using Process pipe = Start(Dotnet, Program, "ctl", "--node", _node.Http.Authority);
        await pipe.StandardInput.WriteAsync("# a comment\n\nwarp ctl shards rebalance\ntopics \"x y\"\nhelp shards move\n");
        pipe.StandardInput.Close();
        await pipe.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(s_patience, TestContext.Current.CancellationToken);

        Assert.Equal(1, pipe.ExitCode);
        await SeeAsync("all shards are where they should be");
        await SeeAsync("There is no topic x y");
        await SeeAsync("The coordinator keeps it there");
    }

    private static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    private static string Program => Path.Combine(AppContext.BaseDirectory, "warp.dll");

    private Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["XDG_STATE_HOME"] = _home.FullName, ["TERM"] = "xterm" },
        };
        foreach (string name in start.Environment.Keys.Where(static name => name.StartsWith("WARP_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        Process process = Process.Start(start)!;
        _ = WatchAsync(process.StandardOutput);
        _ = WatchAsync(process.StandardError);
        return process;
    }

    private static async Task TypeAsync(Process terminal, string keys)
    {
        await terminal.StandardInput.WriteAsync(keys);
        await terminal.StandardInput.FlushAsync();
    }

    private Task SeeAsync(string text) => Wait.UntilAsync(
        () =>
        {
            lock (_seen)
                return _seen.ToString().Contains(text, StringComparison.Ordinal);
        },
        s_patience,
        $"'{text}' at the prompt");

    private void Forget()
    {
        lock (_seen)
            _seen.Clear();
    }

    private async Task WatchAsync(StreamReader output)
    {
        var buffer = new char[4096];
        while (await output.ReadAsync(buffer) is var read && read > 0)
        {
            lock (_seen)
                _seen.Append(buffer, 0, read);
        }
    }
}

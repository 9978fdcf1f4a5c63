using System.Diagnostics;

namespace Warp.Specs.Hosting;

/// <summary>
/// A server that a script of <c>eng/test-deps</c> runs for as long as its standard input is open. So it ends with this process in any case,
/// and sooner when it is disposed of.
/// </summary>
public sealed class TestServer : IAsyncDisposable
{
    private static readonly TimeSpan _startTimeout = TimeSpan.FromSeconds(90);

    private readonly Process _process;

    private readonly Task<string> _errors;

    private TestServer(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Starts a script and waits until it has written that its server is ready.</summary>
    /// <exception cref="InvalidOperationException">It ended, or was not ready in time; the message has what it wrote.</exception>
    public static async Task<TestServer> StartAsync(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Repository.Root, "eng", "test-deps", script), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var server = new TestServer(Process.Start(start)!);
        try
        {
            await server.ExpectAsync("ready");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Gives the script a command that it knows, and waits until it has been carried out. One caller at a time.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message has what the script wrote.</exception>
    public async Task CommandAsync(string command)
    {
        await _process.StandardInput.WriteLineAsync(command);
        await _process.StandardInput.FlushAsync();
        await ExpectAsync("done");
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task ExpectAsync(string expected)
    {
        string? line = await _process.StandardOutput.ReadLineAsync().WaitAsync(_startTimeout);
        if (line != expected)
            throw new InvalidOperationException($"{_process.StartInfo.FileName} failed: {await _errors}");
    }
}

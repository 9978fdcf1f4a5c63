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

    private TestServer(Process process) => _process = process;

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
            Task<string> errors = server._process.StandardError.ReadToEndAsync();
            string? line = await server._process.StandardOutput.ReadLineAsync().WaitAsync(_startTimeout);
            return line == "ready" ? server : throw new InvalidOperationException($"{script} did not start: {await errors}");
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}

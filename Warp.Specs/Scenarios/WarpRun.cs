using System.Diagnostics;

namespace Warp.Specs.Scenarios;

/// <summary>A run of the <c>warp</c> command from its start to its end.</summary>
/// <param name="ExitCode">What it returned.</param>
/// <param name="Output">The lines of its standard output.</param>
/// <param name="Errors">The lines of its standard error.</param>
public sealed record WarpRun(int ExitCode, IReadOnlyList<string> Output, IReadOnlyList<string> Errors)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    /// <summary>Runs <c>warp node</c> with these settings, each as <c>key=value</c>, and expects it to end by itself.</summary>
    public static Task<WarpRun> NodeAsync(params string[] settings) =>
        CommandAsync("node", settings);

    /// <summary>The same, with some variables of the environment as given.</summary>
    public static Task<WarpRun> NodeAsync(IReadOnlyDictionary<string, string> environment, params string[] settings) =>
        RunAsync(Arguments("node", settings), environment);

    /// <summary>Runs a command with these settings and expects it to end by itself.</summary>
    public static Task<WarpRun> CommandAsync(string command, params string[] settings) =>
        RunAsync(Arguments(command, settings), new Dictionary<string, string>());

    private static string[] Arguments(string command, string[] settings) =>
        [.. command.Split(' '), .. settings.SelectMany(static setting => (string[])["--set", setting])];

    /// <exception cref="TimeoutException">It was still running after a minute, and was killed.</exception>
    private static async Task<WarpRun> RunAsync(string[] arguments, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("WARP_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "warp.dll"));
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var deadline = new CancellationTokenSource(_patience);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            string call = $"warp {string.Join(' ', arguments)}";
            throw new TimeoutException($"{call} was still running after {_patience.TotalSeconds} s: {await errors}");
        }
        return new WarpRun(process.ExitCode, Lines(await output), Lines(await errors));
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

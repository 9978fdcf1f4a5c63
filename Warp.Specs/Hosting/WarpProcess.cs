using System.Diagnostics;
using System.Text;

namespace Warp.Specs.Hosting;

/// <summary>
/// A node in a process of its own, on free ports of the loopback interface and in a folder of its own, both of which it keeps when it is
/// started again. Disposing kills it and deletes the folder. One caller at a time.
/// </summary>
public sealed class WarpProcess : IAsyncDisposable
{
    /// <summary>The program of the sources that these tests were built with.</summary>
    public static readonly string ThisVersion = Path.Combine(AppContext.BaseDirectory, "warp.dll");

    private static readonly TimeSpan _startTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(20);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("warp-specs-");
    private readonly int _kafkaPort = FreePorts.Take();
    private readonly int _httpPort = FreePorts.Take();
    private readonly HttpClient _http;
    private readonly string[] _settings;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly StringBuilder _output = new();
    private Process? _process;

    private WarpProcess(IReadOnlyDictionary<string, string> environment, string[] settings)
    {
        (_environment, _settings) = (environment, settings);
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_httpPort}"), Timeout = TimeSpan.FromSeconds(10) };
    }

    /// <summary>What is run from the next start on: this version, unless something else is set.</summary>
    public string Program { get; set; } = ThisVersion;

    /// <summary>The address for Kafka clients, as <c>host:port</c>.</summary>
    public string Bootstrap => $"127.0.0.1:{_kafkaPort}";

    /// <summary>The base address of metrics and health.</summary>
    public Uri Http => _http.BaseAddress!;

    /// <summary>The id of the process that was started last.</summary>
    public int ProcessId => Running.Id;

    /// <summary>Whether it has ended, or was never started.</summary>
    public bool HasExited => _process is null or { HasExited: true };

    /// <summary>Where the journal (<c>journal.db</c>) and the objects (<c>objects/</c>) are.</summary>
    public string Folder => _folder.FullName;

    /// <summary>Everything that all processes of this node have written, to standard output and standard error.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Starts a node and waits until it is ready.</summary>
    /// <param name="settings">Further settings, each as <c>key=value</c>.</param>
    /// <exception cref="InvalidOperationException">It ended, or did not become ready in time; the message has its output.</exception>
    public static Task<WarpProcess> StartAsync(params string[] settings) => StartAsync(new Dictionary<string, string>(), settings);

    /// <summary>The same, with some variables of the environment as given.</summary>
    public static async Task<WarpProcess> StartAsync(IReadOnlyDictionary<string, string> environment, params string[] settings)
    {
        WarpProcess node = Create(environment, settings);
        try
        {
            await node.StartAgainAsync();
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>A node that is not started yet.</summary>
    public static WarpProcess Create(IReadOnlyDictionary<string, string> environment, params string[] settings) => new(environment, settings);

    /// <summary>Starts the node again after it has ended, with the same ports and folder, and waits until it is ready.</summary>
    public async Task StartAgainAsync()
    {
        Launch();
        await ReadyAsync();
    }

    /// <summary>Starts the node (again), and waits for nothing.</summary>
    public void Launch()
    {
        if (!HasExited)
            throw new InvalidOperationException("the node is running");
        _process?.Dispose();
        _process = NewProcess();
    }

    /// <summary>Waits until a node that was started is ready.</summary>
    public async Task ReadyAsync()
    {
        var elapsed = Stopwatch.StartNew();
        while (!await IsReadyAsync())
        {
            if (HasExited)
                throw Failure($"the node ended with {Running.ExitCode} before it was ready");
            if (elapsed.Elapsed > _startTimeout)
                throw Failure($"the node was not ready after {_startTimeout.TotalSeconds} s");
            await Task.Delay(_pollInterval);
        }
    }

    /// <summary>Ends the process at once, as a crash would (SIGKILL).</summary>
    public async Task KillAsync()
    {
        Running.Kill();
        await Running.WaitForExitAsync();
    }

    /// <summary>Stops the process where it stands, without its knowledge (SIGSTOP).</summary>
    public void Pause() => Signal.Send(Running, Signal.Stop);

    /// <summary>Lets a paused process go on (SIGCONT).</summary>
    public void Resume() => Signal.Send(Running, Signal.Continue);

    /// <summary>Asks the process to drain and end (SIGTERM).</summary>
    /// <returns>Its exit code.</returns>
    /// <exception cref="InvalidOperationException">It has not ended after <paramref name="timeout"/>.</exception>
    public Task<int> TerminateAsync(TimeSpan timeout)
    {
        Signal.Send(Running, Signal.Term);
        return ExitAsync(timeout);
    }

    /// <summary>Waits until the process has ended.</summary>
    /// <returns>Its exit code.</returns>
    /// <exception cref="InvalidOperationException">It has not ended after <paramref name="timeout"/>.</exception>
    public async Task<int> ExitAsync(TimeSpan timeout)
    {
        using var deadline = new CancellationTokenSource(timeout);
        try
        {
            await Running.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw Failure($"the node was still running after {timeout.TotalSeconds} s");
        }
        return Running.ExitCode;
    }

    /// <summary>Waits until the process has ended by itself.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> WaitForEndAsync(TimeSpan timeout)
    {
        await Running.WaitForExitAsync().WaitAsync(timeout);
        return Running.ExitCode;
    }

    /// <summary>The samples of <c>/metrics</c> by series.</summary>
    public async Task<IReadOnlyDictionary<string, double>> MetricsAsync() => PrometheusText.Parse(await _http.GetStringAsync("/metrics"));

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
            await KillAsync();
        _process?.Dispose();
        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    private Process Running => _process ?? throw new InvalidOperationException("the node was never started");

    private Process NewProcess()
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
            ArgumentList = { Program, "node" },
        };
        // What steers the tests (WARP_LONG, WARP_SEED) would be an unknown setting to the node.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("WARP_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        foreach (var (name, value) in _environment)
            start.Environment[name] = value;
        string[] settings =
        [
            $"warp.kafka.listen={Bootstrap}",
            $"warp.http.listen=127.0.0.1:{_httpPort}",
            "warp.rpc.listen=127.0.0.1:0",
            $"warp.journal.url=sqlite:{Path.Combine(Folder, "journal.db")}",
            $"warp.store.url=file:{Path.Combine(Folder, "objects")}",
            .. _settings,
        ];
        foreach (string setting in settings)
        {
            start.ArgumentList.Add("--set");
            start.ArgumentList.Add(setting);
        }
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await _http.GetAsync("/readyz");
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false; // not listening yet
        }
    }

    private void Append(string? line)
    {
        if (line is null)
            return; // the end of the stream
        lock (_output)
            _output.AppendLine(line);
    }

    private InvalidOperationException Failure(string message) => new($"{message}; its output:\n{Output}");
}

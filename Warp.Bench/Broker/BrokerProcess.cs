using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Warp.Load.Broker;

namespace Warp.Bench.Broker;

/// <summary>How a <see cref="BrokerProcess"/> is started.</summary>
public sealed record BrokerSetup
{
    /// <summary>Settings, each as <c>key=value</c>; <c>{folder}</c> in them stands for the broker's folder.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Variables of its environment, each as <c>name=value</c>: <c>DOTNET_gcServer=1</c>.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>Where its temporary folder is made; null for the system's place.</summary>
    public string? Parent { get; init; }
}

/// <summary>
/// A Warp node in a process of its own: the build beside this program, on free ports of the loopback interface and in a temporary folder.
/// Disposing ends it and deletes the folder. One caller at a time.
/// </summary>
public sealed partial class BrokerProcess : IBroker, IAsyncDisposable
{
    private static readonly TimeSpan s_startTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_stopTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_compactionPoll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(5);

    private readonly BrokerSetup _setup;
    private readonly DirectoryInfo _folder;
    private readonly int _httpPort = FreePorts.Take();
    private readonly HttpClient _http;
    private readonly StringBuilder _errors = new();
    private Process? _process;

    private BrokerProcess(BrokerSetup setup)
    {
        _setup = setup;
        _folder = setup.Parent is { } parent
            ? Directory.CreateDirectory(Path.Combine(parent, $"warp-bench-{Path.GetRandomFileName()}"))
            : Directory.CreateTempSubdirectory("warp-bench-");
        Bootstrap = new DnsEndPoint("127.0.0.1", FreePorts.Take());
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_httpPort}"), Timeout = TimeSpan.FromSeconds(10) };
    }

    public DnsEndPoint Bootstrap { get; }

    /// <summary>The same as <c>host:port</c>.</summary>
    public string BootstrapServers => $"{Bootstrap.Host}:{Bootstrap.Port}";

    /// <summary>Where the journal (<c>journal.db</c>) and the objects (<c>objects/</c>) are.</summary>
    public string Folder => _folder.FullName;

    /// <summary>The process's number.</summary>
    public int ProcessId => Running.Id;

    /// <summary>When the process was started, by <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public long StartedAt { get; private set; }

    public long? PeakResidentBytes => ReadStatus("VmHWM:");

    /// <summary>What is in RAM now; bytes.</summary>
    public long? ResidentBytes => ReadStatus("VmRSS:");

    /// <summary>Starts a broker and waits until it is ready.</summary>
    /// <exception cref="InvalidOperationException">It ended, or did not become ready; the message has what it wrote.</exception>
    public static async Task<BrokerProcess> StartAsync(BrokerSetup setup)
    {
        var broker = new BrokerProcess(setup);
        try
        {
            await broker.StartAgainAsync();
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a broker, and returns as soon as the process is there: for measuring how long it takes.</summary>
    public static BrokerProcess Launch(BrokerSetup setup)
    {
        var broker = new BrokerProcess(setup);
        broker.Launch();
        return broker;
    }

    /// <summary>Starts it again after <see cref="StopAsync"/>, with the same ports and folder, and waits until it is ready.</summary>
    public async Task StartAgainAsync()
    {
        Launch();
        while (!await IsReadyAsync())
        {
            if (Running.HasExited)
                throw Failure($"the broker ended with {Running.ExitCode} before it was ready");
            if (Stopwatch.GetElapsedTime(StartedAt) > s_startTimeout)
                throw Failure($"the broker was not ready after {s_startTimeout.TotalSeconds} s");
            await Task.Delay(s_poll);
        }
    }

    /// <summary>Lets it drain and end; kills it if that takes long.</summary>
    public async Task StopAsync()
    {
        if (_process is not { HasExited: false } process)
            return;
        // If it has just ended by itself there is nobody to tell.
        _ = Native.Kill(process.Id, Native.Terminate);
        using var deadline = new CancellationTokenSource(s_stopTimeout);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    public async Task<BrokerCounters?> ReadCountersAsync() =>
        BrokerCounters.Read(PrometheusSamples.Parse(await _http.GetStringAsync("/metrics")));

    /// <summary>
    /// Has small objects merged until none is left. Objects younger than the commit deadline (<c>warp.timing.commit-deadline</c>) are not
    /// merged, so that it takes at least as long.
    /// </summary>
    /// <exception cref="TimeoutException">That took more than <paramref name="patience"/>.</exception>
    public async Task CompactAsync(TimeSpan patience)
    {
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < patience)
        {
            using (HttpResponseMessage answer = await _http.PostAsync("/compaction/run", null))
                answer.EnsureSuccessStatusCode();
            await Task.Delay(s_compactionPoll);
            using JsonDocument status = JsonDocument.Parse(await _http.GetStringAsync("/compaction"));
            if (IsCompacted(status.RootElement))
                return;
        }
        throw new TimeoutException($"compaction has not come to an end after {patience.TotalSeconds} s");
    }

    /// <summary>One small object alone stays as it is.</summary>
    private static bool IsCompacted(JsonElement status) =>
        status.GetProperty("finished").GetInt64() > 0
        && status.GetProperty("running").GetArrayLength() == 0
        && status.GetProperty("waiting").GetArrayLength() == 0
        && status.GetProperty("objects").EnumerateArray()
            .All(static level => level.GetProperty("level").GetInt32() > 0 || level.GetProperty("objects").GetInt64() <= 1);

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
        _process?.Dispose();
        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    private Process Running => _process ?? throw new InvalidOperationException("the broker was never started");

    private void Launch()
    {
        _process?.Dispose();
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "warp.dll"), "node" },
        };
        foreach (string variable in _setup.Environment)
        {
            int equals = variable.IndexOf('=');
            if (equals < 1)
                throw new ArgumentException($"'{variable}' is not name=value");
            start.Environment[variable[..equals]] = variable[(equals + 1)..];
        }
        string[] settings =
        [
            $"warp.kafka.listen={BootstrapServers}",
            $"warp.http.listen=127.0.0.1:{_httpPort}",
            $"warp.journal.url=sqlite:{Path.Combine(Folder, "journal.db")}",
            $"warp.store.url=file:{Path.Combine(Folder, "objects")}",
            .. _setup.Settings.Select(setting => setting.Replace("{folder}", Folder)),
        ];
        foreach (string setting in settings)
        {
            start.ArgumentList.Add("--set");
            start.ArgumentList.Add(setting);
        }
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += static (_, _) => { }; // Read, so that the pipe never fills.
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        StartedAt = Stopwatch.GetTimestamp();
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            using HttpResponseMessage answer = await _http.GetAsync("/readyz");
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false; // Not listening yet.
        }
    }

    private long? ReadStatus(string name)
    {
        if (_process is not { HasExited: false } || !OperatingSystem.IsLinux())
            return null;
        string? line = File.ReadLines($"/proc/{_process.Id}/status")
            .FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line is null ? null : long.Parse(line.AsSpan(name.Length).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture) * 1024;
    }

    private void Append(string? line)
    {
        lock (_errors)
            _errors.AppendLine(line);
    }

    private InvalidOperationException Failure(string message)
    {
        lock (_errors)
            return new InvalidOperationException($"{message}; it wrote:\n{_errors}");
    }

    private static partial class Native
    {
        public const int Terminate = 15;

        [LibraryImport("libc", EntryPoint = "kill")]
        public static partial int Kill(int processId, int signal);
    }
}

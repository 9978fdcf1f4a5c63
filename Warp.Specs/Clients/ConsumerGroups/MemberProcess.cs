using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Warp.Specs.Hosting;

namespace Warp.Specs.Clients.ConsumerGroups;

/// <summary>A consumer of a group in a process of its own (<see cref="MemberProgram"/>), which can be killed and paused. Thread-safe.</summary>
internal sealed class MemberProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Action<int, long> _seen;
    private readonly Task _reading;
    private volatile IReadOnlySet<int> _assigned = new HashSet<int>();

    /// <summary>Starts to consume.</summary>
    /// <param name="topic">What it subscribes to.</param>
    /// <param name="settings">The configuration of the consumer.</param>
    /// <param name="seen">Called with partition and offset of each record that it has processed.</param>
    public MemberProcess(string topic, IReadOnlyDictionary<string, string> settings, Action<int, long> seen)
    {
        _seen = seen;
        _process = Process.Start(new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [typeof(MemberProgram).Assembly.Location, MemberProgram.Name, topic, .. settings.Select(static pair => $"{pair.Key}={pair.Value}")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        _reading = ReadAsync();
    }

    /// <summary>What went wrong, if anything did.</summary>
    public ConcurrentQueue<string> Errors { get; } = new();

    /// <summary>The partitions that it has, as far as it has said.</summary>
    public IReadOnlySet<int> Assigned => _assigned;

    /// <summary>Ends it at once (SIGKILL).</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await EndAsync();
    }

    /// <summary>Lets it commit and leave.</summary>
    public async Task CloseAsync()
    {
        await _process.StandardInput.WriteLineAsync("close");
        await EndAsync();
    }

    /// <summary>Stops it where it stands, without its knowledge (SIGSTOP).</summary>
    public void Pause() => Signal.Send(_process, Signal.Stop);

    /// <summary>Lets it go on (SIGCONT).</summary>
    public void Resume() => Signal.Send(_process, Signal.Continue);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    private async Task EndAsync()
    {
        await _process.WaitForExitAsync();
        await _reading;
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            switch (fields[0])
            {
                case "r":
                    _seen(int.Parse(fields[1], CultureInfo.InvariantCulture), long.Parse(fields[2], CultureInfo.InvariantCulture));
                    break;
                case "+":
                    _assigned = _assigned.Concat(Partitions()).ToHashSet();
                    break;
                case "!":
                    Errors.Enqueue($"lost {string.Join(' ', fields.Skip(1))}");
                    goto case "-";
                case "-":
                    _assigned = _assigned.Except(Partitions()).ToHashSet();
                    break;
                default:
                    Errors.Enqueue(line);
                    break;
            }

            IEnumerable<int> Partitions() => fields.Skip(1).Select(static field => int.Parse(field, CultureInfo.InvariantCulture));
        }
    }
}

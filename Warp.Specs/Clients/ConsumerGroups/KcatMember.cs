using System.Diagnostics;
using System.Globalization;
using Confluent.Kafka;
using Warp.Specs.Hosting;

namespace Warp.Specs.Clients.ConsumerGroups;

/// <summary>A member of a group in a process of its own (<c>kcat -G</c>), which can be killed and paused.</summary>
internal sealed class KcatMember : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _reading;

    /// <param name="bootstrap">The node.</param>
    /// <param name="group">The group.</param>
    /// <param name="topic">What it subscribes to.</param>
    /// <param name="seen">Called with each record.</param>
    public KcatMember(string bootstrap, string group, string topic, Action<TopicPartitionOffset> seen)
    {
        var start = new ProcessStartInfo("kcat",
        [
            "-b", bootstrap, "-G", group, "-q", "-u", "-f", "%p %o\n",
            "-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=500",
            "-X", "auto.commit.interval.ms=200", "-X", "auto.offset.reset=earliest",
            topic,
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += static (_, _) => { };
        _process.BeginErrorReadLine();
        _reading = ReadAsync(topic, seen);
    }

    /// <summary>Ends it at once (SIGKILL).</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await EndAsync();
    }

    /// <summary>Lets it commit and leave (SIGTERM).</summary>
    public async Task CloseAsync()
    {
        Signal.Send(_process, Signal.Term);
        await EndAsync();
    }

    public void Pause() => Signal.Send(_process, Signal.Stop);

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

    private async Task ReadAsync(string topic, Action<TopicPartitionOffset> seen)
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            string[] fields = line.Split(' ');
            seen(new TopicPartitionOffset(
                topic, int.Parse(fields[0], CultureInfo.InvariantCulture), long.Parse(fields[1], CultureInfo.InvariantCulture)));
        }
    }
}

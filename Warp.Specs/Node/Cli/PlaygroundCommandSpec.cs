using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Warp.Load.Client;
using Warp.Node.Cli;
using Warp.Node.Configuration;
using Xunit;

namespace Warp.Specs.Node.Cli;

public sealed partial class PlaygroundCommandSpec : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"warp-specs-{Guid.NewGuid():n}");
    private readonly StringWriter _output = new();

    public void Dispose()
    {
        _output.Dispose();
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_playground_that_is_too_old_ends_and_takes_its_temporary_folder_with_it()
    {
        Assert.Equal(0, await RunAsync(isTemporary: true, new HurriedTime(() => Task.CompletedTask), CancellationToken.None));
        Assert.Contains("has run for 24 hours", _output.ToString());
        Assert.False(Directory.Exists(_folder));
    }

    [Fact]
    public async Task A_playground_that_is_stopped_keeps_the_operators_folder()
    {
        using var stopping = new CancellationTokenSource();
        Assert.Equal(0, await RunAsync(isTemporary: false, new StoppingTime(stopping), stopping.Token));
        Assert.DoesNotContain("24 hours and ends", _output.ToString());
        Assert.True(File.Exists(Path.Combine(_folder, "journal.db")));
    }

    [Fact]
    public async Task It_says_where_a_client_finds_it()
    {
        int brokers = 0;
        await RunAsync(isTemporary: true, new HurriedTime(AskAsync), CancellationToken.None);
        Assert.Equal(1, brokers);

        async Task AskAsync()
        {
            Assert.True(HostPort.TryParse(Bootstrap().Match(_output.ToString()).Groups[1].Value, out HostPort? address));
            await using KafkaClient client = await KafkaClient.ConnectAsync(address.EndPoint, "spec", CancellationToken.None);
            brokers = (await client.GetMetadataAsync([], CancellationToken.None)).Brokers.Count;
        }
    }

    [Fact]
    public async Task A_start_that_fails_leaves_no_folder()
    {
        await Assert.ThrowsAsync<ConfigurationException>(
            () => RunAsync(isTemporary: true, TimeProvider.System, CancellationToken.None, "warp.http.listen=192.0.2.1:1"));
        Assert.False(Directory.Exists(_folder));
    }

    [GeneratedRegex(@"kcat -b (\S+)")]
    private static partial Regex Bootstrap();

    private Task<int> RunAsync(bool isTemporary, TimeProvider time, CancellationToken cancellationToken, params string[] settings)
    {
        NodeOptions options = NodeConfiguration.Load(new ConfigurationSources
        {
            Presets =
            [
                "warp.kafka.listen=127.0.0.1:0",
                "warp.http.listen=127.0.0.1:0",
                "warp.rpc.listen=127.0.0.1:0",
                $"warp.journal.url=sqlite:{_folder}/journal.db",
                $"warp.store.url=file:{_folder}/objects",
            ],
            Settings = settings,
        }).Options;
        return PlaygroundCommand.RunAsync(
            new PlaygroundArguments(options, _folder, isTemporary), _output, NullLoggerFactory.Instance, time, cancellationToken);
    }

    /// <summary>The system's time, but a playground's life is over as soon as somebody has had a look at it.</summary>
    private sealed class HurriedTime(Func<Task> look) : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime != PlaygroundCommand.Life)
                return base.CreateTimer(callback, state, dueTime, period);
            ITimer timer = base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
            _ = LookAsync(timer);
            return timer;
        }

        private async Task LookAsync(ITimer timer)
        {
            try
            {
                await look();
            }
            finally
            {
                timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>The system's time; the operator stops the playground as soon as its life begins.</summary>
    private sealed class StoppingTime(CancellationTokenSource stopping) : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == PlaygroundCommand.Life)
                stopping.CancelAfter(1);
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}

using System.Diagnostics;
using System.Net.Sockets;
using Warp.Bench.Broker;
using Warp.Bench.Yardsticks;
using Warp.Load;
using Warp.Load.Broker;
using Warp.Load.Client;
using Warp.Load.Connections;
using Warp.Protocol.Records;

namespace Warp.Bench.Scenarios;

/// <summary>Runs one scenario: its setup once, its steps as often as it says. Disposing ends its broker.</summary>
/// <param name="scenario">What to do.</param>
/// <param name="folder">Where brokers and yardsticks make their temporary folders.</param>
/// <param name="time">The clock.</param>
/// <param name="progress">Told of each step.</param>
public sealed class ScenarioRun(Scenario scenario, string folder, TimeProvider time, Action<string> progress) : IAsyncDisposable
{
    private readonly List<string> _problems = [];
    private BrokerProcess? _broker;
    private BareBroker? _bare;
    private int _clients;

    private BrokerProcess Broker => _broker ?? throw new InvalidOperationException("no broker was started in a step before");

    /// <summary>Runs it.</summary>
    /// <param name="runs">How often.</param>
    /// <param name="cancellationToken">Gives up between two steps.</param>
    /// <returns>The figures of each run, and what went wrong.</returns>
    public async Task<ScenarioResult> RunAsync(int runs, CancellationToken cancellationToken)
    {
        var figures = new List<IReadOnlyDictionary<string, double>>();
        long started = time.GetTimestamp();
        await RunStepsAsync(scenario.Setup, "setup", [], cancellationToken);
        for (int run = 1; run <= runs; run++)
        {
            var found = new Dictionary<string, double>();
            await RunStepsAsync(scenario.Steps, $"run {run}/{runs}", found, cancellationToken);
            figures.Add(found);
        }
        return new ScenarioResult(scenario, figures, _problems, time.GetElapsedTime(started));
    }

    public async ValueTask DisposeAsync()
    {
        await EndBrokerAsync();
        if (_bare is not null)
            await _bare.DisposeAsync();
    }

    private async Task EndBrokerAsync()
    {
        if (_broker is not null)
            await _broker.DisposeAsync();
        _broker = null;
    }

    private async Task RunStepsAsync(
        IReadOnlyList<Step> steps, string stage, Dictionary<string, double> into, CancellationToken cancellationToken)
    {
        foreach (Step step in steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress($"{scenario.Name}: {stage}: {step.GetType().Name[..^"Step".Length].ToLowerInvariant()} {step.As}");
            foreach ((string name, double value) in await RunAsync(step, cancellationToken))
                into[step.As + "." + name] = value;
        }
    }

    private async Task<IReadOnlyDictionary<string, double>> RunAsync(Step step, CancellationToken cancellationToken)
    {
        switch (step)
        {
            case StartStep start:
                await EndBrokerAsync();
                _broker = await BrokerProcess.StartAsync(Setup(start.Settings, start.Environment));
                return Nothing;
            case RestartStep restart:
                await Broker.StopAsync();
                if (restart.DropPageCache)
                    PageCache.Drop(Broker.Folder);
                await Broker.StartAgainAsync();
                return Nothing;
            case LoadStep load:
                LoadResult result = await LoadRun.RunAsync(load.Plan, Broker, time, cancellationToken);
                _problems.AddRange(result.Problems.Select(problem => $"{step.As}: {problem}"));
                return result.Figures();
            case CompactStep compact:
                await Broker.CompactAsync(compact.Patience);
                return Nothing;
            case IdleStep idle:
                return await IdleAsync(idle, cancellationToken);
            case ColdStartStep cold:
                return await ColdStartAsync(cold, cancellationToken);
            case TcpStep tcp:
                return Figures(TcpLoopback.Measure(tcp.FrameBytes, tcp.AnswerBytes, tcp.Frames, tcp.Duration));
            case DiskStep disk:
                return Figures(DiskWrite.Measure(folder, BatchTemplate.Build(1024, 64 << 10, 0, 0, 1).Bytes, disk.Duration));
            case ClientStep client:
                return await ClientAsync(client, cancellationToken);
            default:
                throw new InvalidOperationException($"nobody knows how to do {step.GetType().Name}");
        }
    }

    private static IReadOnlyDictionary<string, double> Nothing { get; } = new Dictionary<string, double>();

    private static Dictionary<string, double> Figures(YardstickResult result) =>
        new() { ["mb_per_s"] = result.Megabytes, ["cpu_s_per_gb"] = result.CpuSecondsPerGigabyte };

    private BrokerSetup Setup(IReadOnlyList<string> settings, IReadOnlyList<string> environment) =>
        new() { Settings = settings, Environment = environment, Parent = folder };

    private async Task<IReadOnlyDictionary<string, double>> IdleAsync(IdleStep idle, CancellationToken cancellationToken)
    {
        BrokerCounters before = await Broker.ReadCountersAsync() ?? new BrokerCounters();
        long started = time.GetTimestamp();
        await Task.Delay(idle.Duration, time, cancellationToken);
        BrokerCounters after = await Broker.ReadCountersAsync() ?? new BrokerCounters();
        BrokerCounters counted = after.Since(before);
        double minutes = time.GetElapsedTime(started).TotalMinutes;
        return new Dictionary<string, double>
        {
            ["cpu_percent"] = 100 * counted.CpuSeconds / (minutes * 60),
            ["rss_mb"] = counted.ResidentBytes / 1e6,
            ["store_requests_per_minute"] = (counted.Puts + counted.Gets + counted.OtherStoreRequests) / minutes,
            ["allocated_mb_per_minute"] = counted.AllocatedBytes / 1e6 / minutes,
            ["disk_written_mb_per_minute"] = counted.WrittenBytes / 1e6 / minutes,
        };
    }

    private async Task<IReadOnlyDictionary<string, double>> ColdStartAsync(ColdStartStep cold, CancellationToken cancellationToken)
    {
        await EndBrokerAsync();
        _broker = BrokerProcess.Launch(Setup(cold.Settings, cold.Environment));
        await using KafkaClient client = await ConnectAsync(_broker, cancellationToken);
        await client.CreateTopicAsync("first", 1, cancellationToken);
        KafkaTopic topic = await KafkaTopic.WaitForAsync(client, "first", time, cancellationToken);
        var batch = BatchTemplate.Build(100, 100, 0, 0, 1);
        batch.Stamp(time.GetUtcNow().ToUnixTimeMilliseconds(), RecordBatchHeader.NoSequence);
        await client.ProduceAsync(topic, 0, batch.Bytes, cancellationToken);
        TimeSpan first = Stopwatch.GetElapsedTime(_broker.StartedAt);
        await Task.Delay(cold.Idle, time, cancellationToken);
        return new Dictionary<string, double>
        {
            ["first_ack_s"] = first.TotalSeconds,
            ["idle_rss_mb"] = (_broker.ResidentBytes ?? 0) / 1e6,
        };
    }

    private static async Task<KafkaClient> ConnectAsync(BrokerProcess broker, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await KafkaClient.ConnectAsync(broker.Bootstrap, "warp-bench", cancellationToken);
            }
            catch (Exception e) when (e is SocketException or IOException && Stopwatch.GetElapsedTime(broker.StartedAt).TotalSeconds < 60)
            {
                await Task.Delay(2, cancellationToken);
            }
        }
    }

    private async Task<IReadOnlyDictionary<string, double>> ClientAsync(ClientStep step, CancellationToken cancellationToken)
    {
        ClientResult result = step.Against switch
        {
            ClientTarget.Mock => await Task.Run(() => ClientLoad.RunAgainstMock(step.Plan), cancellationToken),
            ClientTarget.Bare => await RunAgainstBareAsync(step, cancellationToken),
            _ => await RunAgainstBrokerAsync(step.Plan, cancellationToken),
        };
        if (result.Failed > 0)
            _problems.Add($"{step.As}: {result.Failed} records were not delivered");
        return new Dictionary<string, double>
        {
            ["produce_mb_per_s"] = result.ProducedMegabytes,
            ["consume_mb_per_s"] = result.ConsumedMegabytes,
        };
    }

    /// <summary>One for all runs: it deletes its files in the end, lest the file system be busy with that during the next step.</summary>
    private async Task<ClientResult> RunAgainstBareAsync(ClientStep step, CancellationToken cancellationToken)
    {
        _bare ??= BareBroker.Start(folder);
        ClientResult result = await Task.Run(() => ClientLoad.RunAgainst(step.Plan, _bare.EndPoint.ToString()), cancellationToken);
        if (_bare.Failure is { } failure)
            _problems.Add($"{step.As}: {failure.Message}");
        return result;
    }

    private async Task<ClientResult> RunAgainstBrokerAsync(ClientPlan plan, CancellationToken cancellationToken)
    {
        plan = plan with { Topic = $"{plan.Topic}-{++_clients}" };
        await using (KafkaClient client = await KafkaClient.ConnectAsync(Broker.Bootstrap, "warp-bench", cancellationToken))
        {
            foreach (string topic in ClientLoad.Topics(plan))
            {
                await client.CreateTopicAsync(topic, ClientLoad.Partitions, cancellationToken);
                await KafkaTopic.WaitForAsync(client, topic, time, cancellationToken);
            }
        }
        return await Task.Run(() => ClientLoad.RunAgainst(plan, Broker.BootstrapServers), cancellationToken);
    }
}

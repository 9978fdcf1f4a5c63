using System.Net.Sockets;
using Warp.Load.Broker;
using Warp.Load.Client;
using Warp.Load.Connections;
using Warp.Load.Measuring;
using Warp.Load.Pacing;
using Warp.Protocol.Messages;

namespace Warp.Load;

/// <summary>Puts one load on a broker.</summary>
public static class LoadRun
{
    private const string ClientId = "warp-bench";
    private const int Seed = 20_261_130;

    /// <summary>How long consumers at the tail may take for the last records.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>How much longer those may take who read a topic once.</summary>
    private static readonly TimeSpan s_longPatience = TimeSpan.FromMinutes(10);

    /// <summary>Runs it.</summary>
    /// <param name="plan">The load.</param>
    /// <param name="broker">Gets all requests.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Stops it: what was measured until then is the result.</param>
    /// <exception cref="OperationCanceledException">It was stopped before anything was measured.</exception>
    /// <exception cref="ArgumentException">The plan has a <see cref="LoadPlan.Problem"/>.</exception>
    /// <exception cref="KafkaException">The broker refused to create the topic.</exception>
    /// <exception cref="SocketException">The broker cannot be reached.</exception>
    public static async Task<LoadResult> RunAsync(LoadPlan plan, IBroker broker, TimeProvider time, CancellationToken cancellationToken)
    {
        if (plan.Problem() is { } problem)
            throw new ArgumentException(problem, nameof(plan));
        await using KafkaClient client = await KafkaClient.ConnectAsync(broker.Bootstrap, ClientId, cancellationToken);
        await client.CreateTopicAsync(plan.Topic, plan.Partitions, cancellationToken);
        KafkaTopic topic = await KafkaTopic.WaitForAsync(client, plan.Topic, time, cancellationToken);
        long[] starts = await OffsetsAsync(client, topic, KafkaClient.EarliestTimestamp, cancellationToken);
        long[] ends = await OffsetsAsync(client, topic, KafkaClient.LatestTimestamp, cancellationToken);

        List<Sender> senders = await Sender.MakeAllAsync(plan, broker, topic, client, Seed, cancellationToken);
        var sockets = new List<Socket>();
        for (int i = 0; i < plan.Consumers; i++)
            sockets.Add(await ConnectAsync(broker, cancellationToken));
        var clock = new RunClock(time);
        Readings before = await Readings.FirstAsync(broker, clock);
        // Everything is ready: the time runs from here. From a whole millisecond on, because batches carry those: so a batch belongs to the
        // same side of the window's bounds for its consumer as for its producer.
        long startMicros = clock.MicrosOf(clock.UnixMs(clock.NowMicros) + 1);
        RunWindow window = plan.EndsByItself
            ? new RunWindow(0, long.MaxValue)
            : new RunWindow(startMicros + Micros(plan.Warmup), startMicros + Micros(plan.Warmup + plan.Duration));
        using CancellationTokenRegistration stopping = cancellationToken.Register(() => window.Stop(clock.NowMicros));
        (short produce, short fetch) = (client.VersionOf(ApiKey.Produce), client.VersionOf(ApiKey.Fetch));
        List<ProducerConnection> producers =
            [.. senders.Select(sender => new ProducerConnection(sender.Socket, sender.Templates, produce, plan.InFlight, clock, window))];
        List<ConsumerConnection> consumers =
            [.. sockets.Select(socket => new ConsumerConnection(socket, topic, starts, ends, plan, fetch, clock, window))];
        Task<Readings> readings = plan.EndsByItself ? Task.FromResult(before) : ReadAsync(broker, clock, window, cancellationToken);
        List<Task> consuming = [.. consumers.Select(static consumer => consumer.RunAsync())];
        await ProduceAsync(plan, senders, producers, clock, window, startMicros);
        if (plan.From == ConsumeFrom.Tail && producers.Count > 0)
        {
            // Whether or not it was stopped: what was produced until then is to be consumed.
            long[] last = await OffsetsAsync(client, topic, KafkaClient.LatestTimestamp, CancellationToken.None);
            consumers.ForEach(consumer => consumer.StopAt(last));
        }
        TimeSpan asLongAgain = plan.EndsByItself ? s_longPatience : plan.Warmup + plan.Duration;
        TimeSpan patience = s_patience + (window.WasStopped ? TimeSpan.Zero : asLongAgain);
        Task all = Task.WhenAll(consuming);
        bool consumersEnded = await Task.WhenAny(all, Task.Delay(patience, time, CancellationToken.None)) == all;
        Readings inWindow = await readings;
        Readings inAll = await before.AgainAsync(broker, clock);
        senders.ForEach(static sender => sender.Dispose());
        if (window.ToMicros <= window.FromMicros)
            throw new OperationCanceledException(cancellationToken);
        return Result(
            broker, window, plan.EndsByItself ? inAll : inWindow, inAll, plan, topic.PartitionCount, producers, consumers, consumersEnded);
    }

    private static async Task ProduceAsync(
        LoadPlan plan, List<Sender> senders, List<ProducerConnection> producers, RunClock clock, RunWindow window, long startMicros)
    {
        if (producers.Count == 0)
            return;
        double bytesPerRequest = senders.Average(static sender => sender.Templates.Average(static template => template.RecordBytes));
        double recordsPerRequest = senders.Average(static sender => sender.Templates.Average(static template => template.RecordCount));
        double? rate = plan.RateMegabytes * 1e6 / bytesPerRequest ?? plan.RateRecords / recordsPerRequest;
        if (rate is null)
        {
            var budget = new ByteBudget(plan.TotalMegabytes is { } total ? (long)(total * 1e6) : long.MaxValue);
            await Task.WhenAll(producers.Zip(senders, (producer, sender) =>
                producer.RunAsync(new ClosedLoop(clock, window, budget, sender.Templates[0].RecordBytes))));
            return;
        }
        List<OpenLoop> arrivals = [.. producers.Select(static _ => new OpenLoop())];
        Task pacing = new Pacer(clock, new OpenLoopSchedule(rate.Value, startMicros), window, arrivals).RunAsync();
        await Task.WhenAll(producers.Zip(arrivals, static (producer, due) => producer.RunAsync(due)).Append(pacing));
    }

    private static async Task<Readings> ReadAsync(IBroker broker, RunClock clock, RunWindow window, CancellationToken stopping)
    {
        await UntilAsync(window.FromMicros);
        Readings first = await Readings.FirstAsync(broker, clock);
        await UntilAsync(window.ToMicros);
        return await first.AgainAsync(broker, clock);

        async Task UntilAsync(long micros) =>
            await Task.Delay(TimeSpan.FromMicroseconds(Math.Max(0, micros - clock.NowMicros)), stopping)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static LoadResult Result(
        IBroker broker,
        RunWindow window,
        Readings read,
        Readings inAll,
        LoadPlan plan,
        int partitions,
        List<ProducerConnection> producers,
        List<ConsumerConnection> consumers,
        bool consumersEnded)
    {
        ConnectionTotals produced = Sum(producers.Select(static producer => producer.Totals));
        ConnectionTotals fetched = Sum(consumers.Select(static consumer => consumer.Totals));
        double seconds = read.Seconds;
        double windowSeconds = plan.EndsByItself ? seconds : (window.ToMicros - window.FromMicros) / 1e6;
        return new LoadResult
        {
            Seconds = seconds,
            WasStopped = window.WasStopped,
            Partitions = partitions,
            Produced = new Flow(produced.Requests, produced.Records, produced.Bytes, windowSeconds),
            Fetched = new Flow(fetched.Requests, fetched.Records, fetched.Bytes, windowSeconds),
            ProduceLatency = LatencySummary.Of(produced.Latency),
            EndToEndLatency = LatencySummary.Of(plan.From == ConsumeFrom.Tail ? fetched.Latency : new LatencyHistogram()),
            Broker = read.Broker,
            BytesBeyondRecords = produced.AllBytes == 0 ? null : inAll.Broker?.PutBytes - produced.AllBytes,
            BytesWritten = inAll.Broker?.WrittenBytes,
            AllProducedBytes = produced.AllBytes,
            PeakResidentBytes = broker.PeakResidentBytes,
            GeneratorCpuSeconds = read.GeneratorCpuSeconds,
            Problems = [.. Problems("producers", produced), .. Problems("consumers", fetched), .. consumersEnded ? [] : LateConsumers],
        };
    }

    private static readonly string[] LateConsumers = ["consumers did not come to the end"];

    private static IEnumerable<string> Problems(string who, ConnectionTotals totals)
    {
        foreach ((ErrorCode error, long count) in totals.Errors)
        {
            string name = ErrorCodes.Get(error).Name;
            yield return error == ErrorCode.NotLeaderOrFollower
                ? $"{who}: {count} × {name} (another broker leads these partitions, and all requests go to this one)"
                : $"{who}: {count} × {name}";
        }
        if (totals.Unanswered > 0)
            yield return $"{who}: {totals.Unanswered} requests without an answer";
        if (totals.Failure is { } failure)
            yield return $"{who}: {failure.Message}";
    }

    private static ConnectionTotals Sum(IEnumerable<ConnectionTotals> all)
    {
        var sum = new ConnectionTotals();
        foreach (ConnectionTotals one in all)
            sum.Add(one);
        return sum;
    }

    private static async Task<long[]> OffsetsAsync(
        KafkaClient client, KafkaTopic topic, long timestamp, CancellationToken cancellationToken)
    {
        Dictionary<int, long> offsets = await client.ListOffsetsAsync(topic, timestamp, cancellationToken);
        return [.. Enumerable.Range(0, topic.PartitionCount).Select(partition => offsets[partition])];
    }

    internal static async Task<Socket> ConnectAsync(IBroker broker, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(broker.Bootstrap.Host, broker.Bootstrap.Port, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static long Micros(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMicrosecond;
}

using Warp.Load.Client;
using Warp.Node.Hosting;

namespace Warp.Node.Demo;

/// <summary>The load of a demo on a running node: a producer, a consumer, and once a second a look at what they do.</summary>
internal sealed class DemoRun(NodeHost host, TimeProvider time)
{
    public const string Topic = "demo";
    public const int Partitions = 6;

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    /// <summary>What the consumer may take, once the producer has stopped, to get what was acknowledged.</summary>
    private static readonly TimeSpan s_catchUp = TimeSpan.FromSeconds(10);

    private readonly DemoMeasurements _measurements = new();
    private readonly long _started = time.GetTimestamp();

    /// <summary>Runs until the time is over, or until it is told to stop, and then until every acknowledged record was consumed.</summary>
    /// <param name="duration">How long to produce; null for no end.</param>
    /// <param name="show">Is given what happened in the last second.</param>
    /// <param name="stopping">Ends the producing.</param>
    /// <returns>What happened altogether.</returns>
    /// <exception cref="IOException">The connection to the node broke.</exception>
    /// <exception cref="KafkaException">The node refused a request.</exception>
    /// <exception cref="TimeoutException">A record that was acknowledged was not consumed.</exception>
    public async Task<DemoInterval> RunAsync(TimeSpan? duration, Action<DemoInterval> show, CancellationToken stopping)
    {
        DemoSample first = Take();
        await using KafkaClient producing = await KafkaClient.ConnectAsync(host.KafkaAddress.EndPoint, "warp-demo-producer", CancellationToken.None);
        await using KafkaClient consuming = await KafkaClient.ConnectAsync(host.KafkaAddress.EndPoint, "warp-demo-consumer", CancellationToken.None);
        await producing.CreateTopicAsync(Topic, Partitions, CancellationToken.None);
        KafkaTopic topic = await KafkaTopic.WaitForAsync(producing, Topic, time, CancellationToken.None);

        using CancellationTokenSource end = duration is { } limit ? new(limit, time) : new();
        using var producerStop = CancellationTokenSource.CreateLinkedTokenSource(stopping, end.Token);
        using var othersStop = new CancellationTokenSource();
        Task producer = new DemoProducer(producing, topic, _measurements, time).RunAsync(producerStop.Token);
        Task consumer = new DemoConsumer(consuming, topic, _measurements, time).RunAsync(othersStop.Token);
        Task watch = WatchAsync(first, show, othersStop.Token);
        try
        {
            await FirstOf(producer, consumer, watch, host.Failure);
            await FirstOf(CatchUpAsync(othersStop.Token), consumer, watch, host.Failure);
        }
        finally
        {
            await producerStop.CancelAsync();
            await othersStop.CancelAsync();
            await watch;
        }
        await consumer;
        return new DemoInterval(first, Take());
    }

    /// <summary>Waits for one of the tasks, and passes its failure on.</summary>
    private static async Task FirstOf(params Task[] tasks) => await await Task.WhenAny(tasks);

    private DemoSample Take() => DemoSample.Take(time.GetElapsedTime(_started), _measurements, host.Metrics.Collect());

    private async Task WatchAsync(DemoSample first, Action<DemoInterval> show, CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(s_interval, time);
        try
        {
            for (DemoSample before = first; await timer.WaitForNextTickAsync(stopping);)
            {
                DemoSample now = Take();
                show(new DemoInterval(before, now));
                before = now;
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The demo is over.
        }
    }

    private async Task CatchUpAsync(CancellationToken stopping)
    {
        long started = time.GetTimestamp();
        while (_measurements.ReturnedRecords < _measurements.ProducedRecords)
        {
            if (time.GetElapsedTime(started) > s_catchUp)
                throw new TimeoutException(
                    $"{_measurements.ProducedRecords:n0} records were acknowledged, but only {_measurements.ReturnedRecords:n0} consumed");
            await Task.Delay(TimeSpan.FromMilliseconds(10), time, stopping);
        }
    }
}

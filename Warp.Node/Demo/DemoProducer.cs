using Warp.Load.Client;

namespace Warp.Node.Demo;

/// <summary>
/// Produces at a steady rate: a batch every 20 ms, to the partitions in turn, up to 32 of them unanswered. When the node is slower than
/// that, records wait here, and the time they wait counts as latency.
/// </summary>
internal sealed class DemoProducer(KafkaClient client, KafkaTopic topic, DemoMeasurements measurements, TimeProvider time)
{
    /// <summary>2,000 records a second at <see cref="s_interval"/>.</summary>
    private const int RecordsPerBatch = 40;

    private const int MaxInFlight = 32;

    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Produces until it is told to stop, then waits for all answers.</summary>
    /// <param name="stopping">Ends the producing, not the waiting.</param>
    /// <exception cref="KafkaException">A batch was refused.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async Task RunAsync(CancellationToken stopping)
    {
        var inFlight = new Queue<Task>();
        long started = time.GetTimestamp();
        long tick = time.TimestampFrequency * s_interval.Ticks / TimeSpan.TicksPerSecond;
        for (long batch = 0; await WaitAsync(started + (batch * tick), stopping); batch++)
        {
            // Answers come in the order of the requests.
            while (inFlight.Count > 0 && (inFlight.Count == MaxInFlight || inFlight.Peek().IsCompleted))
                await inFlight.Dequeue();
            inFlight.Enqueue(ProduceAsync(batch, started + (batch * tick)));
        }
        await Task.WhenAll(inFlight);
    }

    /// <summary>Waits until the clock shows a timestamp.</summary>
    /// <returns>False when it is time to stop.</returns>
    private async Task<bool> WaitAsync(long timestamp, CancellationToken stopping)
    {
        TimeSpan left = time.GetElapsedTime(time.GetTimestamp(), timestamp);
        if (left > TimeSpan.Zero)
            await Task.Delay(left, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !stopping.IsCancellationRequested;
    }

    private async Task ProduceAsync(long batch, long made)
    {
        byte[] records = DemoRecords.BuildBatch(batch * RecordsPerBatch, RecordsPerBatch, time, made);
        await client.ProduceAsync(topic, (int)(batch % topic.PartitionCount), records, CancellationToken.None);
        measurements.Acknowledged(RecordsPerBatch, records.Length, time.GetElapsedTime(made));
    }
}

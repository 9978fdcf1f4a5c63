using Warp.Load.Measuring;

namespace Warp.Node.Demo;

/// <summary>What producer and consumer of a demo have done so far. Thread-safe.</summary>
public sealed class DemoMeasurements
{
    private long _producedRecords;
    private long _producedBytes;
    private long _consumedRecords;
    private long _consumedBytes;
    private long _returnedRecords;

    public LatencyRecorder ProduceLatency { get; } = new();

    public LatencyRecorder EndToEndLatency { get; } = new();

    /// <summary>Records of the demo's own that were acknowledged.</summary>
    public long ProducedRecords => Volatile.Read(ref _producedRecords);

    public long ProducedBytes => Volatile.Read(ref _producedBytes);

    /// <summary>Records that were consumed, also those that others have put into the topic.</summary>
    public long ConsumedRecords => Volatile.Read(ref _consumedRecords);

    public long ConsumedBytes => Volatile.Read(ref _consumedBytes);

    /// <summary>Records of the demo's own that were consumed.</summary>
    public long ReturnedRecords => Volatile.Read(ref _returnedRecords);

    public void Acknowledged(int records, int bytes, TimeSpan latency)
    {
        Interlocked.Add(ref _producedRecords, records);
        Interlocked.Add(ref _producedBytes, bytes);
        ProduceLatency.Record(latency);
    }

    public void Consumed(int records, int bytes)
    {
        Interlocked.Add(ref _consumedRecords, records);
        Interlocked.Add(ref _consumedBytes, bytes);
    }

    public void Returned(TimeSpan latency)
    {
        Interlocked.Increment(ref _returnedRecords);
        EndToEndLatency.Record(latency);
    }
}

namespace Warp.Node.Hosting;

/// <summary>What one instrument has measured for one set of tags. Recording takes no lock.</summary>
internal abstract class MetricCell(KeyValuePair<string, string>[] labels)
{
    public KeyValuePair<string, string>[] Labels { get; } = labels;

    public abstract void Record(double value);

    public abstract MetricSeries Read();

    private protected static void Add(ref double total, double value)
    {
        double seen = Volatile.Read(ref total);
        while (true)
        {
            double found = Interlocked.CompareExchange(ref total, seen + value, seen);
            // By bits: a total that has become NaN is not equal to itself.
            if (BitConverter.DoubleToInt64Bits(found) == BitConverter.DoubleToInt64Bits(seen))
                return;
            seen = found;
        }
    }
}

/// <summary>Adds up: counters, and whatever an observable instrument reports for the same tags.</summary>
internal sealed class SumCell(KeyValuePair<string, string>[] labels) : MetricCell(labels)
{
    private double _sum;

    public override void Record(double value) => Add(ref _sum, value);

    public override MetricSeries Read() => new(Labels, Volatile.Read(ref _sum), []);
}

/// <summary>Keeps the last value.</summary>
internal sealed class LastValueCell(KeyValuePair<string, string>[] labels) : MetricCell(labels)
{
    private double _value;

    public override void Record(double value) => Volatile.Write(ref _value, value);

    public override MetricSeries Read() => new(Labels, Volatile.Read(ref _value), []);
}

/// <summary>Counts by size.</summary>
/// <param name="labels">The tags.</param>
/// <param name="bounds">The buckets' upper bounds, rising, the last one positive infinity.</param>
internal sealed class HistogramCell(KeyValuePair<string, string>[] labels, double[] bounds) : MetricCell(labels)
{
    private readonly long[] _counts = new long[bounds.Length];
    private double _sum;

    public override void Record(double value)
    {
        // What is not a number is in no bucket but the last, and must not spoil the sum.
        if (double.IsNaN(value))
            return;
        int index = Array.BinarySearch(bounds, value);
        Interlocked.Increment(ref _counts[index < 0 ? ~index : index]);
        Add(ref _sum, value);
    }

    public override MetricSeries Read()
    {
        var buckets = new MetricBucket[bounds.Length];
        for (int i = 0; i < buckets.Length; i++)
            buckets[i] = new MetricBucket(bounds[i], Volatile.Read(ref _counts[i]));
        return new MetricSeries(Labels, Volatile.Read(ref _sum), buckets);
    }
}

using BenchmarkDotNet.Attributes;
using Warp.Protocol.Records;

namespace Warp.Bench.Micro;

/// <summary>What is done with a batch on its way: checked when it comes, hopped over when it goes, read record by record only where its
/// records matter (log compaction, timestamps).</summary>
public class BatchBenchmarks
{
    private static readonly BatchRules s_rules = new() { MaxMessageBytes = 2 << 20 };

    private byte[] _batch = [];

    [Params(1 << 10, 16 << 10, 1 << 20)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup() => _batch = Samples.Batch(Bytes);

    [Benchmark]
    public BatchDefect Validate() => RecordBatchValidator.Validate(_batch, s_rules, out _);

    [Benchmark]
    public int ReadHeader() => RecordBatchHeader.TryRead(_batch, out RecordBatchHeader header) ? header.SizeBytes : 0;

    [Benchmark]
    public long ReadRecords()
    {
        using RecordBatchReader reader = RecordBatchReader.Open(_batch, 2 << 20);
        long bytes = 0;
        while (reader.TryRead(out Record record))
            bytes += record.Value.Length;
        return bytes;
    }
}

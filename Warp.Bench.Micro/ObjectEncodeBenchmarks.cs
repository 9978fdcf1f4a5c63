using BenchmarkDotNet.Attributes;
using Warp.Actors.Sequencing;
using Warp.Streams.Format;

namespace Warp.Bench.Micro;

/// <summary>8 MiB of batches made into one object: the only copy of record bytes on their way in, and the footer.</summary>
public class ObjectEncodeBenchmarks
{
    private const int ObjectBytes = 8 << 20;

    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch.AddYears(50);

    private readonly ObjectId _id = ObjectId.Mint(s_now, new Random(1));
    private BatchToWrite[] _batches = [];

    [Params(16 << 10, 64 << 10)]
    public int BatchBytes { get; set; }

    [Params(12, 10_000)]
    public int Partitions { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var topic = new Guid("0b46c0a7-50c1-4a3e-9d33-3a3d0f4f0c51");
        var random = new Random(1);
        byte[] batch = Samples.Batch(BatchBytes);
        _batches =
        [
            .. Enumerable.Range(0, ObjectBytes / batch.Length)
                .Select(_ => new BatchToWrite(topic, random.Next(Partitions), batch, BatchBytes / 1024, 1_700_000_000_000)),
        ];
    }

    [Benchmark]
    public long Encode()
    {
        using EncodedObject encoded = ObjectWriter.Encode(_id, s_now, "bench", _batches);
        return encoded.Length;
    }
}

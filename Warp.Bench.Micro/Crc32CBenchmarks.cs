using BenchmarkDotNet.Attributes;
using Warp.Protocol.Records;

namespace Warp.Bench.Micro;

/// <summary>The checksum that every produced byte goes through.</summary>
public class Crc32CBenchmarks
{
    private byte[] _data = [];

    [Params(1 << 10, 16 << 10, 1 << 20)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup() => _data = Samples.Text(Bytes);

    [Benchmark]
    public uint Compute() => Crc32C.Compute(_data);
}

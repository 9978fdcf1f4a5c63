using System.Buffers;
using BenchmarkDotNet.Attributes;
using Warp.Protocol.Compression;

namespace Warp.Bench.Micro;

/// <summary>The codecs on the records of a 64 KiB batch. A broker decompresses only what it must look into.</summary>
public class CompressionBenchmarks
{
    private const int Length = 64 << 10;

    private readonly byte[] _plain = Samples.Text(Length);
    private readonly ArrayBufferWriter<byte> _output = new(2 * Length);
    private byte[] _compressed = [];

    [Params(CompressionType.Gzip, CompressionType.Snappy, CompressionType.Lz4, CompressionType.Zstd)]
    public CompressionType Codec { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        Compress();
        _compressed = _output.WrittenSpan.ToArray();
    }

    [Benchmark]
    public void Compress()
    {
        _output.ResetWrittenCount();
        Codecs.For(Codec).Compress(_plain, _output);
    }

    [Benchmark]
    public void Decompress() => Codecs.For(Codec).Decompress(_compressed, Length).Release();
}

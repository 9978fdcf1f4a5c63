using BenchmarkDotNet.Attributes;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Bench.Micro;

/// <summary>The generated codec on the two messages that carry records. Record bytes are referred to, never copied.</summary>
public class MessageBenchmarks
{
    private const short ProduceVersion = 13;
    private const short FetchVersion = 17;

    private readonly byte[] _batch = Samples.Batch(16 << 10);
    private byte[] _request = [];
    private FetchResponse _response = new();

    [Params(1, 48)]
    public int Partitions { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var data = new ProduceRequest.TopicProduceData();
        var answer = new FetchResponse.FetchableTopicResponse();
        for (int i = 0; i < Partitions; i++)
        {
            data.PartitionData.Add(new ProduceRequest.PartitionProduceData { Index = i, Records = new RecordSet(_batch) });
            answer.Partitions.Add(new FetchResponse.PartitionData { PartitionIndex = i, Records = new RecordSet(_batch) });
        }
        using OutgoingFrame frame = RequestFrame.Write(1, "bench", new ProduceRequest { Acks = -1, TopicData = [data] }, ProduceVersion);
        _request = frame.ToArray()[sizeof(int)..];
        _response = new FetchResponse { Responses = [answer] };
    }

    [Benchmark]
    public IRequest ReadProduceRequest() => RequestFrame.Parse(_request).ReadBody();

    [Benchmark]
    public int WriteFetchResponse()
    {
        using OutgoingFrame frame = ResponseFrame.Write(1, _response, FetchVersion);
        return frame.Length;
    }
}

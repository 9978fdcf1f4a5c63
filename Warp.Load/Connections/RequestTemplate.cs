using System.Buffers.Binary;
using System.Net.Sockets;
using Warp.Load.Client;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Load.Connections;

/// <summary>
/// A Produce request that is made once and sent again and again: only its correlation id is written anew. All partitions in it get the
/// bytes of the same <see cref="BatchTemplate"/>, which the frame refers to. Not thread-safe.
/// </summary>
internal sealed class RequestTemplate : IDisposable
{
    /// <summary>Behind the frame's length, the API key and the version.</summary>
    private const int CorrelationIdOffset = 8;

    /// <summary>A request of one batch up to this size is copied together: a gathering send of three pieces costs more.</summary>
    private const int CopyUpToBytes = 4 << 10;

    private const short AcksAll = -1;
    private const int TimeoutMs = 60_000;

    private readonly OutgoingFrame _frame;

    /// <summary>The frame in one piece, or null where it is sent in pieces.</summary>
    private readonly byte[]? _whole;

    public RequestTemplate(KafkaTopic topic, IReadOnlyList<int> partitions, BatchTemplate batch, string clientId, short version)
    {
        var data = new ProduceRequest.TopicProduceData { Name = topic.Name, TopicId = topic.Id };
        foreach (int partition in partitions)
            data.PartitionData.Add(new ProduceRequest.PartitionProduceData { Index = partition, Records = new RecordSet(batch.Bytes) });
        var request = new ProduceRequest { Acks = AcksAll, TimeoutMs = TimeoutMs, TopicData = [data] };
        _frame = RequestFrame.Write(0, clientId, request, version);
        _whole = partitions.Count == 1 && _frame.Length <= CopyUpToBytes ? _frame.ToArray() : null;
        BatchCount = partitions.Count;
        Batch = batch;
    }

    /// <summary>What each of its partitions gets.</summary>
    public BatchTemplate Batch { get; }

    public int BatchCount { get; }

    public int RecordBytes => BatchCount * Batch.Bytes.Length;

    public int RecordCount => BatchCount * Batch.Records;

    /// <summary>Bytes of the whole request, its length field included.</summary>
    public int FrameBytes => _frame.Length;

    /// <summary>How often it was sent: every partition in it has had that many batches.</summary>
    public long Sendings { get; private set; }

    /// <summary>Sends it once, with the batch as it is now. The batch must stay so until the task has ended.</summary>
    /// <exception cref="SocketException">The connection broke.</exception>
    public async ValueTask SendAsync(Socket socket, int correlationId)
    {
        Sendings++;
        int sent;
        if (_whole is not null)
        {
            BinaryPrimitives.WriteInt32BigEndian(_whole.AsSpan(CorrelationIdOffset), correlationId);
            // The first piece is all that comes before the batch.
            Batch.Bytes.CopyTo(_whole, _frame.Segments[0].Count);
            sent = await socket.SendAsync(_whole);
        }
        else
        {
            BinaryPrimitives.WriteInt32BigEndian(_frame.Segments[0].AsSpan(CorrelationIdOffset), correlationId);
            sent = await socket.SendAsync(_frame.Segments);
        }
        if (sent != _frame.Length)
            throw new IOException($"The socket took {sent} of {_frame.Length} bytes.");
    }

    public void Dispose() => _frame.Dispose();
}

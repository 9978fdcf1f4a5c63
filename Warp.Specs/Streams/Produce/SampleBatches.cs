using System.Text;
using Warp.Actors.Sequencing;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Streams.Produce;

namespace Warp.Specs.Streams.Produce;

/// <summary>Makes batches as they come from a request, and counts the buffers that have not been given back. Thread-safe.</summary>
internal sealed class SampleBatches
{
    private int _live;

    /// <summary>Buffers that somebody still has a reference to.</summary>
    public int Live => Volatile.Read(ref _live);

    /// <summary>A batch of one record for each value.</summary>
    public static byte[] Build(params ReadOnlySpan<string> values) => Build(-1, -1, -1, values);

    /// <summary>A batch of an idempotent producer, of one record for each value.</summary>
    public static byte[] Build(long producerId, short epoch, int sequence, params ReadOnlySpan<string> values)
    {
        var builder = new RecordBatchBuilder { ProducerId = producerId, ProducerEpoch = epoch, BaseSequence = sequence };
        foreach (string value in values)
            builder.Append(1_790_000_000_000, null, Encoding.UTF8.GetBytes(value));
        return builder.Build();
    }

    /// <summary>A batch of one record of about so many bytes.</summary>
    public static byte[] OfSize(int bytes) => new RecordBatchBuilder().Append(1_790_000_000_000, null, new byte[bytes]).Build();

    /// <summary>The bytes in a buffer of their own, as if they had been received; the caller has its only reference.</summary>
    public PooledBuffer Rent(ReadOnlySpan<byte> bytes)
    {
        Interlocked.Increment(ref _live);
        PooledBuffer buffer = PooledBuffer.Rent(bytes.Length, _ => Interlocked.Decrement(ref _live));
        bytes.CopyTo(buffer.Memory.Span);
        return buffer;
    }

    /// <summary>A batch on its way to the pipeline, which has the only reference to its bytes.</summary>
    public PendingBatch Pending(TopicPartition partition, byte[] batch)
    {
        using PooledBuffer buffer = Rent(batch);
        if (!RecordBatchHeader.TryRead(batch, out RecordBatchHeader header))
            throw new ArgumentException("These bytes are no record batch.", nameof(batch));
        return new PendingBatch(partition, buffer.Memory, buffer, header);
    }
}

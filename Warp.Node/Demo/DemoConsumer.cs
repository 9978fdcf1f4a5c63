using Warp.Load.Client;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;

namespace Warp.Node.Demo;

/// <summary>Consumes all partitions of a topic from their first record on.</summary>
internal sealed class DemoConsumer(KafkaClient client, KafkaTopic topic, DemoMeasurements measurements, TimeProvider time)
{
    private const int MaxDecompressedBytes = 64 << 20;

    private static readonly TimeSpan s_maxWait = TimeSpan.FromMilliseconds(500);

    /// <summary>Consumes until it is told to stop.</summary>
    /// <exception cref="KafkaException">The node refused.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            Dictionary<int, long> offsets = await client.ListOffsetsAsync(topic, KafkaClient.EarliestTimestamp, stopping);
            while (true)
            {
                foreach (FetchResponse.PartitionData fetched in await client.FetchAsync(topic, offsets, s_maxWait, stopping))
                    offsets[fetched.PartitionIndex] = Consume(fetched.Records.Memory, offsets[fetched.PartitionIndex]);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }

    /// <summary>Counts the records of whole batches.</summary>
    /// <returns>The offset to go on with.</returns>
    private long Consume(ReadOnlyMemory<byte> fetched, long offset)
    {
        // The last batch may be cut: a broker fills the answer up to the bytes that were asked for.
        while (RecordBatchHeader.TryRead(fetched.Span, out RecordBatchHeader header) && header.SizeBytes <= fetched.Length)
        {
            int records = ConsumeBatch(fetched.Span[..header.SizeBytes], offset);
            measurements.Consumed(records, header.SizeBytes);
            offset = Math.Max(offset, header.NextOffset);
            fetched = fetched[header.SizeBytes..];
        }
        return offset;
    }

    private int ConsumeBatch(ReadOnlySpan<byte> batch, long from)
    {
        int records = 0;
        using RecordBatchReader reader = RecordBatchReader.Open(batch, MaxDecompressedBytes);
        while (reader.TryRead(out Record record))
        {
            if (record.Offset < from)
                continue;
            records++;
            if (DemoRecords.TryReadMade(record, out long made))
                measurements.Returned(time.GetElapsedTime(made));
        }
        return records;
    }
}

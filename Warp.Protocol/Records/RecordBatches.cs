namespace Warp.Protocol.Records;

/// <summary>One batch inside a larger block of bytes.</summary>
/// <param name="Header">Its header.</param>
/// <param name="Bytes">The whole batch, header included.</param>
public readonly record struct RecordBatch(RecordBatchHeader Header, ReadOnlyMemory<byte> Bytes);

/// <summary>Batches laid end to end, as in a Produce or Fetch request and in stored objects.</summary>
public static class RecordBatches
{
    /// <summary>Hops from batch to batch by the lengths in their headers; no record is looked at.</summary>
    /// <exception cref="CorruptRecordException">Reached bytes that are no batch, or a cut one.</exception>
    public static IEnumerable<RecordBatch> Enumerate(ReadOnlyMemory<byte> batches)
    {
        while (!batches.IsEmpty)
        {
            if (!RecordBatchHeader.TryRead(batches.Span, out RecordBatchHeader header) || header.SizeBytes > batches.Length)
                throw new CorruptRecordException($"{batches.Length} bytes are left that are not a whole record batch.");
            yield return new RecordBatch(header, batches[..header.SizeBytes]);
            batches = batches[header.SizeBytes..];
        }
    }
}

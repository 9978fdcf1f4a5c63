using System.Buffers;
using Warp.Actors.Sequencing;
using Warp.Protocol.Wire;

namespace Warp.Streams.Format;

/// <summary>Encodes level 0 objects. Here the bytes of records are copied, once and for the last time.</summary>
public static class ObjectWriter
{
    /// <summary>Lays batches out, sorted by topic id and partition; those of one partition stay in the order given.</summary>
    /// <param name="id">The object's id.</param>
    /// <param name="createdAt">When; kept to the millisecond.</param>
    /// <param name="clusterId">At most <see cref="ObjectFormat.MaxClusterIdBytes"/> bytes of UTF-8.</param>
    /// <param name="batches">At least one. Their bytes are no longer needed when this returns.</param>
    /// <exception cref="ArgumentException">There is no batch, or one has a field out of range.</exception>
    public static EncodedObject Encode(ObjectId id, DateTimeOffset createdAt, string clusterId, IReadOnlyList<BatchToWrite> batches)
    {
        int count = batches.Count;
        int[] rented = ArrayPool<int>.Shared.Rent(count);
        long[] positions = ArrayPool<long>.Shared.Rent(count);
        Span<int> order = rented.AsSpan(0, count);
        Sort(order, batches);
        var builder = new FooterBuilder(id, createdAt, clusterId, ObjectFlags.None);
        foreach (int i in order)
        {
            BatchToWrite batch = batches[i];
            positions[i] = builder.Add(batch.TopicId, batch.Partition, batch.Bytes.Length, batch.RecordCount, batch.MaxTimestamp);
        }
        using PooledBuffer tail = builder.BuildTail(out long objectSize);

        var output = new BlockWriter(objectSize);
        Span<byte> header = stackalloc byte[ObjectFormat.HeaderBytes];
        ObjectHeader.Write(header);
        output.Write(header);
        foreach (int i in order)
            output.Write(batches[i].Bytes.Span);
        output.Write(tail.Memory.Span);
        ArrayPool<int>.Shared.Return(rented);
        return new EncodedObject(id, objectSize, output.Blocks, positions, count);
    }

    private static void Sort(Span<int> order, IReadOnlyList<BatchToWrite> batches)
    {
        bool sorted = true;
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
            sorted &= i == 0 || Compare(batches[i - 1], batches[i]) <= 0;
        }
        if (!sorted)
            order.Sort((left, right) => Compare(batches[left], batches[right]) is var o and not 0 ? o : left.CompareTo(right));
    }

    private static int Compare(in BatchToWrite left, in BatchToWrite right)
    {
        int byTopic = left.TopicId.CompareTo(right.TopicId);
        return byTopic != 0 ? byTopic : left.Partition.CompareTo(right.Partition);
    }

    /// <summary>Fills blocks that were rented for an exact number of bytes.</summary>
    private struct BlockWriter
    {
        private int _block;
        private int _used;

        public BlockWriter(long size)
        {
            Blocks = new PooledBuffer[ObjectFormat.ChunkCount(size)];
            for (int i = 0; i < Blocks.Length; i++)
                Blocks[i] = PooledBuffer.Rent(ObjectFormat.ChunkLength(size, i));
        }

        public PooledBuffer[] Blocks { get; }

        public void Write(ReadOnlySpan<byte> bytes)
        {
            while (!bytes.IsEmpty)
            {
                if (_used == Blocks[_block].Length)
                {
                    _block++;
                    _used = 0;
                }
                Span<byte> free = Blocks[_block].Memory.Span[_used..];
                int count = Math.Min(free.Length, bytes.Length);
                bytes[..count].CopyTo(free);
                bytes = bytes[count..];
                _used += count;
            }
        }
    }
}

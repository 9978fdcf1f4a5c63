using System.Buffers;

namespace Warp.Streams.Objects;

/// <summary>Copies an object from one store to another, with no more than a part of it in memory.</summary>
internal static class ObjectCopy
{
    private const int PartBytes = 8 << 20;

    /// <returns>What the put found.</returns>
    /// <exception cref="ObjectNotFoundException">It is not in the first store.</exception>
    public static async Task<PutOutcome> CopyAsync(IObjectStore from, IObjectStore to, ObjectInfo info, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(info.Size, PartBytes));
        try
        {
            if (info.Size <= PartBytes)
                return await to.PutAsync(info.Key, [await ReadAsync(0)], cancellationToken);
            await using IMultipartUpload upload = await to.StartUploadAsync(info.Key, cancellationToken);
            for (long position = 0; position < info.Size; position += PartBytes)
                await upload.AppendAsync([await ReadAsync(position)], cancellationToken);
            return await upload.CompleteAsync(cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        async Task<ReadOnlyMemory<byte>> ReadAsync(long position)
        {
            Memory<byte> part = buffer.AsMemory(0, (int)Math.Min(PartBytes, info.Size - position));
            int count = await from.GetRangeAsync(info.Key, position, part, cancellationToken);
            return count == part.Length
                ? part
                : throw new ObjectStoreException(from.Description, info.Key, "It is shorter than its listing says.", isTransient: false);
        }
    }
}

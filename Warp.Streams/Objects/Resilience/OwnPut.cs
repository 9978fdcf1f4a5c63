using System.Buffers;

namespace Warp.Streams.Objects.Resilience;

/// <summary>
/// Tells whose object it is that a put has found. A put that was sent twice, because the first attempt failed or was slow, may find what
/// its own first attempt has stored; or another writer's object.
/// </summary>
internal static class OwnPut
{
    private const int BlockBytes = 1 << 20;

    /// <summary>Whether the object has exactly these bytes. Then the put has kept its promise, whichever attempt it was.</summary>
    public static async Task<bool> IsStoredAsync(
        IObjectStore store, string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        long length = ObjectStores.LengthOf(content);
        if (await store.HeadAsync(key, cancellationToken) != length)
            return false;
        await using var expected = new PieceStream(content);
        byte[] blocks = ArrayPool<byte>.Shared.Rent(2 * BlockBytes);
        try
        {
            for (long position = 0; position < length; position += BlockBytes)
            {
                int count = (int)Math.Min(BlockBytes, length - position);
                Memory<byte> found = blocks.AsMemory(0, count);
                Memory<byte> wanted = blocks.AsMemory(BlockBytes, count);
                expected.ReadExactly(wanted.Span);
                int read = await store.GetRangeAsync(key, position, found, cancellationToken);
                if (read != count || !found.Span.SequenceEqual(wanted.Span))
                    return false;
            }
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(blocks);
        }
    }
}

using Warp.Actors.Sequencing;
using Warp.Streams.Cache;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Fetch;

/// <summary>
/// Has the chunks of a plan read side by side, and those after them that the same consumer will want next. A store answers after tens of
/// milliseconds, so whoever catches up with old data must have several requests under way. For one read; not thread-safe.
/// </summary>
/// <param name="chunks">Reads, and keeps what was read.</param>
/// <param name="keys">The names of objects.</param>
/// <param name="extents">The plan, in order.</param>
/// <param name="position">Where in the first extent's object reading begins.</param>
/// <param name="wanted">How many bytes are wanted, now and next.</param>
public sealed class ReadAhead(ChunkCache chunks, ObjectKeys keys, IReadOnlyList<ReadableExtent> extents, long position, long wanted)
{
    /// <summary>
    /// How far to read beyond what a fetch returns, in bytes of all its partitions: a dozen of them, of which each answer has the usual 1 MiB,
    /// then have every chunk read while the answer before is sent.
    /// </summary>
    public const int Bytes = 4 * ObjectFormat.ChunkSize;

    private int _extent;
    private long _position = position;
    private long _left = wanted;

    /// <summary>Begins to read what comes next and is neither in memory nor under way, as far as there is room. To be called now and then.</summary>
    public void Continue()
    {
        for (; _extent < extents.Count && _left > 0; _extent++)
        {
            ReadableExtent readable = extents[_extent];
            Extent extent = readable.Extent;
            _position = Math.Max(_position, extent.Position);
            for (long end = extent.Position + extent.Length; _position < end && _left > 0;)
            {
                int chunk = (int)(_position / ObjectFormat.ChunkSize);
                if (!chunks.HasOrReads(extent.ObjectId, chunk) && !chunks.Prefetch(
                    extent.ObjectId, keys.Object(readable.Level, extent.ObjectId), chunk, readable.ObjectSizeBytes))
                {
                    return;
                }
                long next = Math.Min(end, (chunk + 1L) * ObjectFormat.ChunkSize);
                _left -= next - _position;
                _position = next;
            }
            _position = 0;
        }
    }
}

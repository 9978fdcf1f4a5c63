using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Warp.Actors.Sequencing;
using Warp.Protocol.Records;

namespace Warp.Streams.Format;

/// <summary>
/// The table of contents of one object: which partitions lie where, and a sparse index into each. It counts every batch as it was
/// written, also those that the sequencer refused afterwards; which batches are in the log, and at which offsets, only the
/// sequencer's extents say. Immutable.
/// </summary>
/// <remarks>
/// Invariants, kept by <see cref="FooterBuilder"/> and checked by <see cref="Parse"/>: extents are sorted by topic id and partition,
/// at most one for each; together they cover the bytes between header and footer without a gap; an extent's index begins at its
/// first batch and rises in offset and position.
/// </remarks>
public sealed partial class ObjectFooter
{
    private readonly FooterExtent[] _extents;
    private readonly IndexEntry[] _index;

    internal ObjectFooter(
        ObjectId objectId,
        DateTimeOffset createdAt,
        string clusterId,
        ObjectFlags flags,
        long objectSize,
        FooterExtent[] extents,
        IndexEntry[] index)
    {
        ObjectId = objectId;
        CreatedAt = createdAt;
        ClusterId = clusterId;
        Flags = flags;
        ObjectSize = objectSize;
        _extents = extents;
        _index = index;
    }

    /// <summary>The object's own id.</summary>
    public ObjectId ObjectId { get; }

    /// <summary>When the object was encoded, to the millisecond.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>The cluster that wrote it.</summary>
    public string ClusterId { get; }

    public ObjectFlags Flags { get; }

    /// <summary>Bytes of the whole object, with footer and trailer.</summary>
    public long ObjectSize { get; }

    /// <summary>One for each partition, sorted by topic id and partition; at least one.</summary>
    public ReadOnlySpan<FooterExtent> Extents => _extents;

    /// <summary>About how many bytes of memory this footer takes.</summary>
    public long MemoryBytes => 256 + (_extents.LongLength * 104) + (_index.LongLength * 24);

    /// <summary>The sparse index of one of this footer's extents; its first entry is the extent's first batch.</summary>
    public ReadOnlySpan<IndexEntry> IndexOf(scoped in FooterExtent extent) => _index.AsSpan(extent.IndexStart, extent.IndexCount);

    /// <summary>Finds the extent of a partition.</summary>
    public bool TryFind(Guid topicId, int partition, out FooterExtent extent)
    {
        int low = 0;
        int high = _extents.Length - 1;
        while (low <= high)
        {
            int middle = (int)(((uint)low + (uint)high) / 2);
            int order = _extents[middle].CompareTo(topicId, partition);
            if (order == 0)
            {
                extent = _extents[middle];
                return true;
            }
            if (order < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        extent = default;
        return false;
    }

    /// <summary>How many bytes at the end of the object footer and trailer take together.</summary>
    /// <param name="tail">The object's last bytes, at least <see cref="ObjectFormat.TrailerBytes"/> of them.</param>
    /// <param name="objectSize">Bytes of the whole object.</param>
    /// <exception cref="CorruptObjectException">The object does not end with a trailer that can be.</exception>
    public static int TailLength(ReadOnlySpan<byte> tail, long objectSize)
    {
        if (tail.Length < ObjectFormat.TrailerBytes || objectSize < ObjectFormat.HeaderBytes + ObjectFormat.TrailerBytes)
            throw new CorruptObjectException($"{objectSize} bytes are too few for an object.");
        ReadOnlySpan<byte> trailer = tail[^ObjectFormat.TrailerBytes..];
        if (!trailer.EndsWith(ObjectFormat.TrailerMagic))
            throw new CorruptObjectException("The object does not end with the trailer's magic number; it was cut off or is no object.");
        uint footerLength = BinaryPrimitives.ReadUInt32BigEndian(trailer);
        long most = Math.Min(objectSize - ObjectFormat.HeaderBytes - ObjectFormat.TrailerBytes, ObjectFormat.MaxFooterBytes);
        if (footerLength > most)
            throw new CorruptObjectException($"The trailer says that the footer has {footerLength} bytes; at most {most} are possible.");
        return (int)footerLength + ObjectFormat.TrailerBytes;
    }

    /// <summary>Reads the footer from the end of an object. Safe for any bytes.</summary>
    /// <param name="tail">The object's last bytes, at least <see cref="TailLength"/> of them.</param>
    /// <param name="objectSize">Bytes of the whole object.</param>
    /// <exception cref="CorruptObjectException">The bytes are no footer; the message names what is wrong.</exception>
    public static ObjectFooter Parse(ReadOnlySpan<byte> tail, long objectSize)
    {
        int tailLength = TailLength(tail, objectSize);
        if (tail.Length < tailLength)
            throw new CorruptObjectException($"Footer and trailer have {tailLength} bytes; only {tail.Length} are there.");
        ReadOnlySpan<byte> footer = tail[^tailLength..^ObjectFormat.TrailerBytes];
        uint expected = BinaryPrimitives.ReadUInt32BigEndian(tail[^8..]);
        uint actual = Crc32C.Compute(footer);
        if (actual != expected)
            throw new CorruptObjectException($"The footer's CRC-32C is {actual:x8}, the trailer says {expected:x8}.");
        return FooterDecoder.Decode(footer, objectSize - tailLength, objectSize);
    }

    /// <summary>The same as <see cref="Parse"/> for bytes that may well be no object.</summary>
    /// <param name="tail">The object's last bytes.</param>
    /// <param name="objectSize">Bytes of the whole object.</param>
    /// <param name="footer">The footer, if there is one.</param>
    /// <param name="problem">What is wrong otherwise.</param>
    public static bool TryParse(
        ReadOnlySpan<byte> tail,
        long objectSize,
        [NotNullWhen(true)] out ObjectFooter? footer,
        [NotNullWhen(false)] out string? problem)
    {
        try
        {
            footer = Parse(tail, objectSize);
            problem = null;
            return true;
        }
        catch (CorruptObjectException e)
        {
            footer = null;
            problem = e.Message;
            return false;
        }
    }
}

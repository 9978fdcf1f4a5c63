using Warp.Actors.Sequencing;
using Warp.Protocol.Records;

namespace Warp.Streams.LogCompaction;

/// <summary>
/// Makes extents of the batches that stay. Together they have the very offsets of those that they replace, without a gap between them,
/// although batches are missing: each begins where the one before it ends. Used by one task at a time.
/// </summary>
/// <param name="replaced">The extents as they were, by offset, without gaps between them.</param>
internal sealed class CleanedExtents(IReadOnlyList<Extent> replaced)
{
    private readonly List<Extent> _added = [];
    private Extent? _open;

    public IReadOnlyList<Extent> Replaced => replaced;

    /// <summary>Notes a batch that stays.</summary>
    public void Add(ObjectId objectId, long position, in RecordBatchHeader header)
    {
        if (_open is { } open && open.ObjectId == objectId)
        {
            _open = open with { Length = open.Length + header.SizeBytes, MaxTimestamp = Math.Max(open.MaxTimestamp, header.MaxTimestamp) };
            return;
        }
        long baseOffset = replaced[0].BaseOffset;
        if (_open is { } full)
        {
            _added.Add(full with { LastOffset = header.BaseOffset - 1 });
            baseOffset = header.BaseOffset;
        }
        _open = new Extent(baseOffset, baseOffset, ExtentSource.Object, objectId, position, header.SizeBytes, header.MaxTimestamp);
    }

    /// <summary>All of them, once the last batch was noted.</summary>
    public IReadOnlyList<Extent> Finish()
    {
        if (_open is { } last)
            _added.Add(last with { LastOffset = replaced[^1].LastOffset });
        _open = null;
        return _added;
    }
}

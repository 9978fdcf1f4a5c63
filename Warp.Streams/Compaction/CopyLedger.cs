using Warp.Actors.Sequencing;
using Warp.Protocol.Records;

namespace Warp.Streams.Compaction;

/// <summary>
/// Notes where each batch went, and makes of it what the sequencers are told: for every partition the extents that were copied, and
/// those that hold the copies. Used by one task at a time.
/// </summary>
internal sealed class CopyLedger(MergePlan plan)
{
    private readonly List<Extent> _added = [];
    private readonly List<PartitionReplacement> _partitions = [];
    private int _extent = -1;
    private int _firstOfPartition;
    private Extent _open;

    /// <summary>Extents that hold the copies.</summary>
    public int AddedCount { get; private set; }

    /// <summary>Notes a batch.</summary>
    public void Add(int extentIndex, ObjectId objectId, long position, in RecordBatchHeader header)
    {
        if (extentIndex != _extent)
        {
            EndExtent();
            if (_extent >= 0 && plan.Extents[_extent].Partition != plan.Extents[extentIndex].Partition)
                EndPartition(extentIndex);
            _extent = extentIndex;
            Open(plan.Extents[extentIndex].Extent.BaseOffset, objectId, position);
        }
        else if (objectId != _open.ObjectId)
        {
            // The extent goes on in the next output.
            Close(header.BaseOffset - 1);
            Open(header.BaseOffset, objectId, position);
        }
        _open = _open with { Length = _open.Length + header.SizeBytes, MaxTimestamp = Math.Max(_open.MaxTimestamp, header.MaxTimestamp) };
    }

    /// <summary>All of it, once everything has been copied.</summary>
    public IReadOnlyList<PartitionReplacement> Finish()
    {
        EndExtent();
        EndPartition(plan.Extents.Length);
        return _partitions;
    }

    private void Open(long baseOffset, ObjectId objectId, long position) =>
        _open = new Extent(baseOffset, baseOffset, ExtentSource.Object, objectId, position, 0, long.MinValue);

    /// <summary>What holds the copies has the very offsets of the original, also where batches leave some out.</summary>
    private void EndExtent()
    {
        if (_extent >= 0)
            Close(plan.Extents[_extent].Extent.LastOffset);
    }

    private void Close(long lastOffset)
    {
        Extent closed = _open with { LastOffset = lastOffset };
        if (_added.Count > 0 && _added[^1].IsContinuedBy(closed))
            _added[^1] = _added[^1].With(closed);
        else
            _added.Add(closed);
    }

    private void EndPartition(int end)
    {
        ReadOnlySpan<SourceExtent> extents = plan.Extents[_firstOfPartition..end];
        var replaced = new Extent[extents.Length];
        for (int i = 0; i < replaced.Length; i++)
            replaced[i] = extents[i].Extent;
        _partitions.Add(new PartitionReplacement(extents[0].Partition, replaced, [.. _added]));
        AddedCount += _added.Count;
        _added.Clear();
        _firstOfPartition = end;
    }
}

using Warp.Actors.Sequencing;
using Warp.Protocol.Records;
using Warp.Streams.Format;

namespace Warp.Streams.Maintenance;

/// <summary>
/// Holds one object against its own footer and checksums, and against what the journal says lies in it: every run of records must begin
/// and end with a batch of its partition, and have the offsets of the batches in between.
/// </summary>
/// <param name="stored">The object.</param>
/// <param name="clusterId">Whose it should be.</param>
/// <param name="report">Told what is wrong.</param>
internal sealed class ObjectVerification(StoredObject stored, string clusterId, Action<VerificationFinding> report)
{
    /// <summary>How much of a batch is in memory at a time.</summary>
    private const int PieceBytes = 64 << 10;

    /// <summary>Reads the whole object.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="extents">What points into it.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    public async Task RunAsync(ObjectId id, List<PlacedExtent> extents, CancellationToken cancellationToken)
    {
        ObjectFooter footer;
        try
        {
            footer = await stored.ReadFooterAsync(cancellationToken);
        }
        catch (CorruptObjectException error)
        {
            Report(FindingKind.DamagedObject, error.Message);
            return;
        }
        if (footer.ObjectId != id)
            Report(FindingKind.DamagedObject, $"its footer is that of object {footer.ObjectId}");
        if (footer.ClusterId != clusterId)
            Report(FindingKind.DamagedObject, $"it was written by cluster {footer.ClusterId}");
        var byPartition = extents
            .GroupBy(static placed => placed.Partition)
            .ToDictionary(static group => group.Key, static group => group.OrderBy(static placed => placed.Extent.Position).ToList());
        for (int i = 0; i < footer.Extents.Length; i++)
        {
            FooterExtent extent = footer.Extents[i];
            byPartition.Remove(new TopicPartition(extent.TopicId, extent.Partition), out List<PlacedExtent>? runs);
            await VerifyPartitionAsync(footer, extent, runs ?? [], cancellationToken);
        }
        foreach ((TopicPartition partition, List<PlacedExtent> runs) in byPartition)
        {
            foreach (PlacedExtent run in runs)
                Report(FindingKind.WrongExtent, $"{Describe(run)} should be in it, but it has nothing of partition {partition}");
        }
    }

    private async Task VerifyPartitionAsync(
        ObjectFooter footer, FooterExtent extent, List<PlacedExtent> runs, CancellationToken cancellationToken)
    {
        var matcher = new RunMatcher(runs, footer.Flags.HasFlag(ObjectFlags.AbsoluteOffsets), Report);
        int batches = 0;
        for (long position = extent.Position; position < extent.End;)
        {
            long left = extent.End - position;
            RecordBatchHeader header = default;
            bool whole = left >= RecordBatchHeader.Size
                && RecordBatchHeader.TryRead((await stored.ReadAsync(position, RecordBatchHeader.Size, cancellationToken)).Span, out header)
                && header.SizeBytes <= left;
            if (!whole)
            {
                Report(
                    FindingKind.DamagedObject, $"at {position} there is no whole record batch; {left} bytes of {Name(extent)} were skipped");
                break;
            }
            uint crc = await ComputeCrcAsync(position, header.SizeBytes, cancellationToken);
            if (crc != header.Crc)
            {
                Report(
                    FindingKind.BadChecksum,
                    $"the batch at {position} of {Name(extent)} has the CRC-32C {crc:x8}, its header says {header.Crc:x8}");
            }
            matcher.Next(position, header);
            batches++;
            position += header.SizeBytes;
        }
        if (batches != extent.BatchCount)
            Report(FindingKind.DamagedObject, $"{Name(extent)} has {batches} batches, the footer says {extent.BatchCount}");
        matcher.End();
    }

    private async Task<uint> ComputeCrcAsync(long batch, int size, CancellationToken cancellationToken)
    {
        uint crc = 0;
        for (int position = RecordBatchHeader.AttributesOffset; position < size;)
        {
            int length = Math.Min(PieceBytes, size - position);
            crc = Crc32C.Append(crc, (await stored.ReadAsync(batch + position, length, cancellationToken)).Span);
            position += length;
        }
        return crc;
    }

    private void Report(FindingKind kind, string problem) => report(new VerificationFinding(kind, stored.Key, problem));

    private static string Name(in FooterExtent extent) => $"partition {new TopicPartition(extent.TopicId, extent.Partition)}";

    private static string Describe(in PlacedExtent run) => RunMatcher.Describe(run);

    /// <summary>Goes along the batches of a partition and the runs that the journal has of them.</summary>
    private sealed class RunMatcher(List<PlacedExtent> runs, bool absolute, Action<FindingKind, string> report)
    {
        private int _next;
        private bool _inside;
        private long _offset;

        public static string Describe(in PlacedExtent run) =>
            $"the run of partition {run.Partition} with offsets {run.Extent.BaseOffset} to {run.Extent.LastOffset} "
            + $"(bytes {run.Extent.Position} to {run.Extent.Position + run.Extent.Length})";

        public void Next(long position, in RecordBatchHeader header)
        {
            while (!_inside && _next < runs.Count && runs[_next].Extent.Position < position)
                Wrong(runs[_next++], "does not begin where a batch does");
            if (!_inside && (_next == runs.Count || runs[_next].Extent.Position != position))
                return;
            Extent run = runs[_next].Extent;
            if (!_inside)
            {
                _inside = true;
                _offset = run.BaseOffset;
            }
            long first = absolute ? header.BaseOffset : _offset;
            if (first < _offset || first + header.LastOffsetDelta > run.LastOffset)
            {
                Wrong(runs[_next], $"has a batch at {position} with the offsets {first} to {first + header.LastOffsetDelta}");
                Leave();
                return;
            }
            _offset = first + header.LastOffsetDelta + 1;
            long end = position + header.SizeBytes;
            if (end < run.Position + run.Length)
                return;
            if (end > run.Position + run.Length)
                Wrong(runs[_next], "does not end where a batch does");
            else if (!absolute && _offset != run.LastOffset + 1)
                Wrong(runs[_next], $"ends with offset {_offset - 1}");
            Leave();
        }

        /// <summary>After the partition's last batch.</summary>
        public void End()
        {
            for (; _next < runs.Count; _next++)
                Wrong(runs[_next], "goes past the last batch of its partition");
        }

        private void Leave()
        {
            _inside = false;
            _next++;
        }

        private void Wrong(in PlacedExtent run, string what) => report(FindingKind.WrongExtent, $"{Describe(run)} {what}");
    }
}

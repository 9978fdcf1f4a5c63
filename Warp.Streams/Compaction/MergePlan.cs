using System.Runtime.InteropServices;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;

namespace Warp.Streams.Compaction;

/// <summary>
/// In which order the extents of a job's inputs are copied, and which ranges of the inputs are read for it, in which order. Does no I/O.
/// </summary>
/// <remarks>
/// The output's order is the inputs' own, so each input is read from front to back; at any moment at most one segment of an input is in use
/// for several extents. With segments of half an input's share of the memory, all of those fit into one half of it, and the
/// other half reads ahead. Whatever does not fit the pattern (batches that were held back have later places in an object
/// than in the log) is read by itself.
/// </remarks>
internal sealed class MergePlan
{
    /// <summary>Bytes between two extents that are read along rather than asked around: a request costs about as much as these.</summary>
    private const int MaxGapBytes = 256 << 10;

    /// <summary>No request asks for more, so that several can be under way.</summary>
    private const int MaxSegmentBytes = 8 << 20;

    private const int MinSegmentBytes = 4 << 10;

    private readonly List<SourceExtent> _extents = [];
    private readonly List<Segment> _segments = [];
    private readonly int _segmentBytes;

    private MergePlan(IReadOnlyList<CompactionInput> inputs, long memoryBytes)
    {
        Inputs = inputs;
        long share = memoryBytes / (2 * Math.Max(1, inputs.Count));
        _segmentBytes = (int)Math.Clamp(CompactionSettings.PowerOfTwoBelow(share), MinSegmentBytes, MaxSegmentBytes);
    }

    /// <summary>The objects that are read.</summary>
    public IReadOnlyList<CompactionInput> Inputs { get; }

    /// <summary>The extents, in the order in which they are copied: by topic id, partition and offset.</summary>
    public ReadOnlySpan<SourceExtent> Extents => CollectionsMarshal.AsSpan(_extents);

    /// <summary>The ranges that are read, in the order in which they are first needed.</summary>
    public IReadOnlyList<Segment> Segments => _segments;

    /// <summary>Bytes of the extents.</summary>
    public long LiveBytes { get; private set; }

    /// <summary>Lays out a job.</summary>
    /// <param name="inputs">The objects.</param>
    /// <param name="found">What the sequencers have in them.</param>
    /// <param name="memoryBytes">What may be held of the inputs at one moment.</param>
    public static MergePlan Make(IReadOnlyList<CompactionInput> inputs, IEnumerable<PartitionExtent> found, long memoryBytes)
    {
        var plan = new MergePlan(inputs, memoryBytes);
        var indexes = new Dictionary<ObjectId, int>();
        for (int i = 0; i < inputs.Count; i++)
            indexes.Add(inputs[i].Id, i);
        foreach ((TopicPartition partition, Extent extent) in found)
            plan._extents.Add(new SourceExtent(partition, extent, indexes[extent.ObjectId]));
        plan._extents.Sort(static (left, right) => left.CompareTo(right));
        plan.CutSegments();
        return plan;
    }

    private void CutSegments()
    {
        var open = new int[Inputs.Count];
        Array.Fill(open, -1);
        Span<SourceExtent> extents = CollectionsMarshal.AsSpan(_extents);
        for (int i = 0; i < extents.Length; i++)
        {
            ref SourceExtent source = ref extents[i];
            LiveBytes += source.Extent.Length;
            Segment? current = open[source.Input] < 0 ? null : _segments[open[source.Input]];
            if (current is not null && Fits(current, source.Extent))
            {
                current.Length = (int)(source.Extent.Position + source.Extent.Length - current.Position);
                current.Uses++;
                source = source with { FirstSegment = open[source.Input], SegmentCount = 1 };
                continue;
            }
            bool isBehind = current is not null && source.Extent.Position < current.End;
            source = source with { FirstSegment = _segments.Count, SegmentCount = Cut(source) };
            if (!isBehind)
                open[source.Input] = _segments.Count - 1;
        }
    }

    /// <summary>Whether the extent may be read with what the segment reads already.</summary>
    private bool Fits(Segment segment, in Extent extent) =>
        extent.Position >= segment.End
        && extent.Position - segment.End <= MaxGapBytes
        && extent.Position + extent.Length - segment.Position <= _segmentBytes;

    /// <summary>Makes segments for one extent.</summary>
    /// <returns>How many.</returns>
    private int Cut(in SourceExtent source)
    {
        int count = 0;
        long end = source.Extent.Position + source.Extent.Length;
        for (long position = source.Extent.Position; position < end; count++)
        {
            int length = (int)Math.Min(_segmentBytes, end - position);
            _segments.Add(new Segment(source.Input, position) { Length = length, Uses = 1 });
            position += length;
        }
        return count;
    }
}

/// <summary>An extent that is copied, and the segments that hold it, one after the other.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Extent">Where the bytes are.</param>
/// <param name="Input">Which of the inputs holds them.</param>
internal readonly record struct SourceExtent(TopicPartition Partition, Extent Extent, int Input)
{
    public int FirstSegment { get; init; }

    public int SegmentCount { get; init; }

    public int CompareTo(in SourceExtent other)
    {
        int byTopic = Partition.TopicId.CompareTo(other.Partition.TopicId);
        if (byTopic != 0)
            return byTopic;
        int byPartition = Partition.Partition.CompareTo(other.Partition.Partition);
        return byPartition != 0 ? byPartition : Extent.BaseOffset.CompareTo(other.Extent.BaseOffset);
    }
}

/// <summary>A range of an input that one request reads.</summary>
/// <param name="input">Which of the inputs.</param>
/// <param name="position">Its first byte.</param>
internal sealed class Segment(int input, long position)
{
    public int Input => input;

    public long Position => position;

    public int Length { get; set; }

    public long End => position + Length;

    /// <summary>How many extents need it that have not been copied yet.</summary>
    public int Uses { get; set; }
}

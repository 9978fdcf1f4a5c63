using Warp.Actors.Maintenance;
using Warp.Protocol.Records;

namespace Warp.Streams.Compaction;

/// <summary>
/// Gives the batches of a plan's extents, one after the other, and holds each against its checksum and against what the sequencers say.
/// What changes records on their way would stand between this and the <see cref="OutputWriter"/>. Used by one task at a time.
/// </summary>
internal sealed class BatchMerger(MergePlan plan, SegmentReader reader)
{
    private byte[] _assembled = new byte[RecordBatchHeader.Size];
    private SourceExtent _source;
    private CompactionInput _input;
    private int _segment;
    private long _position;
    private long _nextOffset;

    /// <summary>Which of the plan's extents the batch belongs to; −1 before the first.</summary>
    public int ExtentIndex { get; private set; } = -1;

    /// <summary>The batch's bytes as they lie in the input. Valid until the next read.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    /// <summary>The batch's header, with its offset in the log.</summary>
    public RecordBatchHeader Header { get; private set; }

    private long End => _source.Extent.Position + _source.Extent.Length;

    /// <summary>Takes up the next batch.</summary>
    /// <returns>False after the last one.</returns>
    /// <exception cref="CorruptInputException">An input does not hold what it should.</exception>
    public async ValueTask<bool> ReadAsync()
    {
        if (_position == End)
        {
            if (ExtentIndex >= 0)
                EndExtent();
            if (ExtentIndex + 1 == plan.Extents.Length)
                return false;
            BeginExtent(ExtentIndex + 1);
        }
        long left = End - _position;
        ReadOnlyMemory<byte> start = left < RecordBatchHeader.Size ? default : await TakeAsync(RecordBatchHeader.Size, isLast: false);
        if (!RecordBatchHeader.TryRead(start.Span, out RecordBatchHeader header) || header.SizeBytes > left)
            throw Corrupt("there is no whole record batch");
        Bytes = await TakeAsync(header.SizeBytes, isLast: true);
        Check(header);
        return true;
    }

    private void BeginExtent(int index)
    {
        ExtentIndex = index;
        _source = plan.Extents[index];
        _input = plan.Inputs[_source.Input];
        _segment = _source.FirstSegment;
        _position = _source.Extent.Position;
        _nextOffset = _source.Extent.BaseOffset;
    }

    private void EndExtent()
    {
        if (_input.Level == 0 && _nextOffset != _source.Extent.LastOffset + 1)
            throw Corrupt($"the records end with offset {_nextOffset - 1}, not with {_source.Extent.LastOffset}");
        for (; _segment < _source.FirstSegment + _source.SegmentCount; _segment++)
            reader.Release(_segment);
    }

    private void Check(RecordBatchHeader header)
    {
        if (Crc32C.Compute(Bytes.Span[RecordBatchHeader.AttributesOffset..]) != header.Crc)
            throw Corrupt("the record batch has another CRC-32C than its header says");
        long baseOffset = _input.Level > 0 ? header.BaseOffset : _nextOffset;
        if (baseOffset < _nextOffset || header.LastOffsetDelta < 0 || baseOffset > _source.Extent.LastOffset - header.LastOffsetDelta)
        {
            throw Corrupt(
                $"the record batch has {header.LastOffsetDelta + 1L} offsets from {baseOffset} on; "
                + $"there should be {_nextOffset} to {_source.Extent.LastOffset}");
        }
        Header = header with { BaseOffset = baseOffset };
        _position += header.SizeBytes;
        _nextOffset = Header.NextOffset;
    }

    /// <summary>The bytes from the position on: as they are in their segment, or put together when they lie in several.</summary>
    /// <param name="length">How many.</param>
    /// <param name="isLast">Whether nobody will ask for these bytes again, so that segments that were put together can go.</param>
    private async ValueTask<ReadOnlyMemory<byte>> TakeAsync(int length, bool isLast)
    {
        for (; _position >= plan.Segments[_segment].End; _segment++)
            reader.Release(_segment);
        int from = (int)(_position - plan.Segments[_segment].Position);
        ReadOnlyMemory<byte> bytes = (await reader.GetAsync(_segment))[from..];
        if (bytes.Length >= length)
            return bytes[..length];
        if (_assembled.Length < length)
            _assembled = new byte[length];
        int filled = 0;
        for (int i = _segment; ; i++)
        {
            bytes = bytes[..Math.Min(bytes.Length, length - filled)];
            bytes.CopyTo(_assembled.AsMemory(filled));
            filled += bytes.Length;
            if (filled == length)
                return _assembled.AsMemory(0, length);
            if (isLast)
                reader.Release(_segment++);
            bytes = await reader.GetAsync(i + 1);
        }
    }

    private CorruptInputException Corrupt(string what) =>
        new(_input.Id, $"Object {_input.Id} of level {_input.Level} is damaged: at position {_position} {what}.");
}

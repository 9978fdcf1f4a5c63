using System.Runtime.InteropServices;

namespace Warp.Actors.Sequencing;

/// <summary>
/// One partition as its sequencer knows it: where it starts and ends, where its bytes lie, and who wrote what last. Used by its sequencer
/// only.
/// </summary>
public sealed class PartitionLog(TopicPartition key)
{
    private ExtentList _extents = new();
    private readonly Dictionary<long, ProducerState> _producers = [];

    public TopicPartition Key { get; } = key;

    /// <summary>The first offset that can be read.</summary>
    public long LogStartOffset { get; private set; }

    /// <summary>The offset that the next record gets: the log end, and the high watermark, since all that has an offset is durable.</summary>
    public long NextOffset { get; private set; }

    /// <summary>The first offset that a reader of committed records may not see. Without open transactions, the log end.</summary>
    public long LastStableOffset => NextOffset;

    /// <summary>How far the log has been compacted by key.</summary>
    public LogCleaning Cleaning { get; internal set; }

    /// <summary>Bytes of the extents that are not dropped.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>The extents, by offset.</summary>
    public ExtentRange Extents => _extents.All;

    public IReadOnlyDictionary<long, ProducerState> Producers => _producers;

    /// <summary>Puts an extent at the log end.</summary>
    /// <returns>Whether it is one of its own, rather than the continuation of the last one.</returns>
    /// <exception cref="InvalidDataException">It does not start at the log end: the journal and this code disagree.</exception>
    public bool Append(in Extent extent)
    {
        if (extent.BaseOffset != NextOffset)
            throw new InvalidDataException($"Partition {Key} ends at {NextOffset}, but the extent starts at {extent.BaseOffset}.");
        NextOffset = extent.LastOffset + 1;
        SizeBytes += extent.Length;
        if (_extents.TryContinue(extent))
            return false;
        _extents.Add(extent);
        return true;
    }

    /// <summary>Drops the extents that end below an offset, and makes it the first that can be read.</summary>
    /// <param name="offset">The new log start, at most the log end; a lower one than now changes nothing.</param>
    /// <param name="dropped">Receives the extents that are gone.</param>
    public void AdvanceStart(long offset, List<Extent> dropped)
    {
        if (offset <= LogStartOffset)
            return;
        LogStartOffset = Math.Min(offset, NextOffset);
        int count = 0;
        foreach (Extent extent in Extents)
        {
            if (extent.LastOffset >= LogStartOffset)
                break;
            SizeBytes -= extent.Length;
            dropped.Add(extent);
            count++;
        }
        _extents.RemoveFirst(count);
    }

    /// <summary>Takes extents out and puts others in; the log's ends stay where they are.</summary>
    /// <param name="removed">How many extents go, from a base offset on; by offset.</param>
    /// <param name="added">The extents that come, by offset.</param>
    /// <param name="dropped">Receives the extents that are gone.</param>
    /// <exception cref="InvalidDataException">There is nothing at an offset: the journal and this code disagree.</exception>
    public void Replace(IReadOnlyList<(long BaseOffset, int Count)> removed, ReadOnlySpan<Extent> added, List<Extent> dropped)
    {
        ExtentRange extents = Extents;
        var rebuilt = new ExtentList();
        int from = 0;
        foreach ((long baseOffset, int count) in removed)
        {
            int at = FindExtent(baseOffset);
            if (at < from || at + count > extents.Length || extents[at].BaseOffset != baseOffset)
                throw new InvalidDataException($"Partition {Key} has no {count} extents at {baseOffset} that could be replaced.");
            Keep(extents[from..at], ref added);
            extents.Slice(at, count).AddTo(dropped);
            from = at + count;
        }
        Keep(extents[from..], ref added);
        foreach (ref readonly Extent extent in added)
            rebuilt.Add(extent);
        _extents = rebuilt;
        SizeBytes = 0;
        foreach (Extent extent in Extents)
            SizeBytes += extent.Length;

        void Keep(ExtentRange kept, ref ReadOnlySpan<Extent> coming)
        {
            foreach (Extent extent in kept)
            {
                for (; !coming.IsEmpty && coming[0].BaseOffset < extent.BaseOffset; coming = coming[1..])
                    rebuilt.Add(coming[0]);
                rebuilt.Add(extent);
            }
        }
    }

    /// <summary>Index into <see cref="Extents"/> of the one that holds the offset, or of the next one after it; the count if none.</summary>
    public int FindExtent(long offset) => _extents.Find(offset);

    /// <summary>The state of a producer; one with a count of 0 when it is not known.</summary>
    public ProducerState ProducerOf(long producerId) => _producers.GetValueOrDefault(producerId);

    /// <summary>The state of a producer, to change in place; made when it is not known.</summary>
    public ref ProducerState ProducerRef(long producerId) => ref CollectionsMarshal.GetValueRefOrAddDefault(_producers, producerId, out _);

    /// <summary>Forgets the producers that have not written since.</summary>
    public void ExpireProducers(long cutoffMs)
    {
        foreach ((long id, ProducerState state) in _producers)
        {
            if (state.LastWriteMs < cutoffMs)
                _producers.Remove(id);
        }
    }

    /// <summary>Sets what a snapshot says of the log's ends; extents follow through <see cref="RestoreExtent"/>.</summary>
    internal void RestoreEnds(long logStartOffset, long nextOffset)
    {
        LogStartOffset = logStartOffset;
        NextOffset = nextOffset;
    }

    internal void RestoreExtent(in Extent extent)
    {
        _extents.Add(extent);
        SizeBytes += extent.Length;
    }
}

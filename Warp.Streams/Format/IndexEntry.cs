namespace Warp.Streams.Format;

/// <summary>The start of one span of the sparse index: whole batches up to the next entry, or to the end of the extent.</summary>
/// <param name="RelativeOffset">Offsets between the extent's first batch and this span's first batch, all batches counted.</param>
/// <param name="Position">Of the span's first batch, from the start of the object.</param>
/// <param name="MaxTimestamp">The largest max timestamp of the batches in this span, in ms since 1970.</param>
public readonly record struct IndexEntry(long RelativeOffset, long Position, long MaxTimestamp);

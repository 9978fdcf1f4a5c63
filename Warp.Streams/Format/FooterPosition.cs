namespace Warp.Streams.Format;

/// <summary>Where to begin going from batch to batch.</summary>
/// <param name="Position">Of a batch, from the start of the object.</param>
/// <param name="RelativeOffset">Offsets between the first batch of the run that was asked about and the batch here.</param>
public readonly record struct FooterPosition(long Position, long RelativeOffset);

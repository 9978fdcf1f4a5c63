namespace Warp.Streams.Format;

/// <summary>What a reader has to know about the batches of an object. The numbers are on disk.</summary>
[Flags]
public enum ObjectFlags
{
    /// <summary>Level 0: every batch is as its producer sent it, with base offset 0.</summary>
    None = 0,

    /// <summary>Every batch carries its absolute base offset, and every extent of the footer its first one.</summary>
    AbsoluteOffsets = 1,
}

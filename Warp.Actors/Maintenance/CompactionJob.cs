using Warp.Actors.Sequencing;

namespace Warp.Actors.Maintenance;

/// <summary>Objects whose live records are to be copied, sorted by partition, into few large ones.</summary>
/// <param name="JobId">Its id: each attempt has one of its own.</param>
/// <param name="Level">The level of what is written.</param>
/// <param name="TargetBytes">An output that has grown so long is finished, and another begun.</param>
/// <param name="Inputs">The objects, each whole: afterwards nothing should refer to them.</param>
public sealed record CompactionJob(Guid JobId, int Level, long TargetBytes, IReadOnlyList<CompactionInput> Inputs);

/// <summary>An object that a job reads.</summary>
public readonly record struct CompactionInput(ObjectId Id, int Level, long SizeBytes);

/// <summary>What a job did.</summary>
/// <param name="Outputs">Objects that were written.</param>
/// <param name="ReplacedExtents">Extents that made room for copies.</param>
/// <param name="AddedExtents">Extents that took their place.</param>
/// <param name="RefusedPartitions">Partitions that had changed meanwhile and kept what they had.</param>
/// <param name="Requests">GETs.</param>
/// <param name="BytesRead">Read from the store.</param>
/// <param name="BytesWritten">Written to the store.</param>
/// <param name="PeakBytes">The most memory that record bytes took at one moment.</param>
public sealed record CompactionResult(
    int Outputs,
    int ReplacedExtents,
    int AddedExtents,
    int RefusedPartitions,
    int Requests,
    long BytesRead,
    long BytesWritten,
    long PeakBytes)
{
    /// <summary>The result of a job whose inputs hold nothing that is still in a log.</summary>
    public static CompactionResult Nothing { get; } = new(0, 0, 0, 0, 0, 0, 0, 0);
}

using Warp.Actors.Sequencing;

namespace Warp.Actors.Maintenance;

/// <summary>An object as all shards together use it.</summary>
/// <param name="Id">The object.</param>
/// <param name="Level">Its level.</param>
/// <param name="SizeBytes">Bytes of the whole object.</param>
/// <param name="LiveBytes">Bytes that are in some log.</param>
/// <param name="Extents">Extents in it.</param>
public readonly record struct CompactionCandidate(ObjectId Id, int Level, long SizeBytes, long LiveBytes, int Extents)
{
    /// <summary>Whether more of it is of no use than of use.</summary>
    public bool IsMostlyDead => LiveBytes < SizeBytes / 2;
}

/// <summary>Objects that are worth a job.</summary>
/// <param name="Level">The level of the output.</param>
/// <param name="TargetBytes">How long an output becomes.</param>
/// <param name="Objects">The inputs.</param>
public sealed record CompactionGroup(int Level, long TargetBytes, IReadOnlyList<CompactionCandidate> Objects);

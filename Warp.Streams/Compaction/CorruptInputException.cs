using Warp.Actors.Sequencing;

namespace Warp.Streams.Compaction;

/// <summary>
/// An object that a job reads cannot be copied: it is missing, or its bytes are not what its checksums or the sequencers say.
/// </summary>
public sealed class CorruptInputException(ObjectId objectId, string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>The object, so that other jobs can go on without it.</summary>
    public ObjectId ObjectId { get; } = objectId;
}

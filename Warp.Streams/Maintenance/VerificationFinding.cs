using Warp.Actors.Sequencing;

namespace Warp.Streams.Maintenance;

/// <summary>Something that a verification found wrong.</summary>
/// <param name="Kind">What kind of fault it is.</param>
/// <param name="Subject">The object's key, or what else is concerned.</param>
/// <param name="Problem">What is wrong, in words.</param>
public sealed record VerificationFinding(FindingKind Kind, string Subject, string Problem)
{
    /// <summary>The object that is concerned; null where it is none of the cluster's.</summary>
    public ObjectId? ObjectId { get; init; }
}

/// <summary>Kinds of faults.</summary>
public enum FindingKind
{
    /// <summary>Journal and store are not of the same time.</summary>
    LineageMismatch,

    /// <summary>Records are in an object that is not in the store: they are lost.</summary>
    MissingObject,

    /// <summary>An object is no object, was cut off, has a damaged footer, or cannot be read.</summary>
    DamagedObject,

    /// <summary>The checksum of a batch is wrong.</summary>
    BadChecksum,

    /// <summary>The journal says that records lie where the object has none, or others.</summary>
    WrongExtent,

    /// <summary>The shards that an object's row names are not those that point into it.</summary>
    WrongShards,

    /// <summary>Records are in an object that has no row, or one that is being deleted: it may go although it is needed.</summary>
    UnprotectedObject,

    /// <summary>The store has an old object that the journal does not know.</summary>
    UnreferencedObject,

    /// <summary>The journal knows of an object that nothing needs, and that is not in the store.</summary>
    RowWithoutObject,

    /// <summary>Something of somebody else lies among the objects.</summary>
    ForeignObject,
}

/// <summary>What was verified.</summary>
/// <param name="Objects">Objects whose bytes were read.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Extents">Runs of records that the journal knows.</param>
/// <param name="Findings">How much was wrong.</param>
public readonly record struct VerificationResult(long Objects, long Bytes, long Extents, long Findings);

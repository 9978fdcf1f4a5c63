namespace Warp.Node.Configuration;

/// <summary>
/// <c>warp.timing</c>: the time constants that safety and liveness rest on. They belong together: <see cref="NodeOptionsRules"/> checks
/// how they relate, and one scale shrinks or stretches all of them alike, which leaves the relations as they are.
/// </summary>
public sealed record TimingOptions
{
    /// <summary>How long the ownership of a shard holds without renewal.</summary>
    public required TimeSpan Lease { get; init; }

    /// <summary>How often a lease is renewed.</summary>
    public required TimeSpan LeaseRenewal { get; init; }

    /// <summary>How long before the end of its lease an owner stops answering, for the sake of clocks that run unevenly.</summary>
    public required TimeSpan LeaseMargin { get; init; }

    /// <summary>How old an object may be when its records are committed; later commits are refused.</summary>
    public required TimeSpan CommitDeadline { get; init; }

    /// <summary>How long past the commit deadline a sequencer remembers what it answered to a commit.</summary>
    public required TimeSpan AnswerMemory { get; init; }

    /// <summary>How long a reader may use the extents it was given before it must ask again.</summary>
    public required TimeSpan PlanLife { get; init; }

    /// <summary>How long an object that nothing points to is kept.</summary>
    public required TimeSpan CollectionGrace { get; init; }

    /// <summary>How long a batch that overtook its predecessor is held before the producer hears of it.</summary>
    public required TimeSpan HeldBatch { get; init; }

    /// <summary>How long a node that is stopped may take to flush, answer and hand over.</summary>
    public required TimeSpan Drain { get; init; }

    /// <summary>The factor that is already in all other values; 1 in production.</summary>
    public required double Scale { get; init; }

    /// <summary>The same constants times <paramref name="factor"/>.</summary>
    public TimingOptions ScaledBy(double factor) => new()
    {
        Lease = Lease * factor,
        LeaseRenewal = LeaseRenewal * factor,
        LeaseMargin = LeaseMargin * factor,
        CommitDeadline = CommitDeadline * factor,
        AnswerMemory = AnswerMemory * factor,
        PlanLife = PlanLife * factor,
        CollectionGrace = CollectionGrace * factor,
        HeldBatch = HeldBatch * factor,
        Drain = Drain * factor,
        Scale = Scale * factor,
    };
}

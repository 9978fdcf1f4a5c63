namespace Warp.Actors.Cluster;

/// <summary>
/// The time constants that correctness rests on (<c>warp.timing</c>). They are one group because each is only right in relation to the
/// others, which the node's configuration checks; tests scale all of them at once. The defaults are those of <c>reference.conf</c>.
/// </summary>
public sealed record TimeConstants
{
    /// <summary>How long a shard stays its owner's without a renewal.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often leases are renewed.</summary>
    public TimeSpan LeaseRenewal { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>An owner stops answering this long before its lease ends.</summary>
    public TimeSpan LeaseMargin { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>A commit is refused when its object's id is older than this.</summary>
    public TimeSpan CommitDeadline { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How much longer than the commit's deadline a sequencer remembers its answers.</summary>
    public TimeSpan AnswerMemory { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a fetch plan may be used before it is made again.</summary>
    public TimeSpan PlanLife { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a released object is kept.</summary>
    public TimeSpan CollectionGrace { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long an object that compaction has registered may lie in the store without a sign of life from its job.</summary>
    public TimeSpan PendingLife { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// How long the row of a deleted object stays: an upload that was under way when it was deleted must not bring it back unnoticed.
    /// </summary>
    public TimeSpan TombstoneLife { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long a batch that arrived ahead of its predecessor is held.</summary>
    public TimeSpan HeldBatch { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a partition remembers an idempotent producer that no longer writes (Kafka's <c>producer.id.expiration.ms</c>).</summary>
    public TimeSpan ProducerExpiration { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long the row of a node that has left or died stays, and with it its id.</summary>
    public TimeSpan NodeMemory { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long a shutdown may take.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The same constants times <paramref name="factor"/>, which leaves the relations between them as they are.</summary>
    public TimeConstants ScaledBy(double factor) => new()
    {
        Lease = Lease * factor,
        LeaseRenewal = LeaseRenewal * factor,
        LeaseMargin = LeaseMargin * factor,
        CommitDeadline = CommitDeadline * factor,
        AnswerMemory = AnswerMemory * factor,
        PlanLife = PlanLife * factor,
        CollectionGrace = CollectionGrace * factor,
        PendingLife = PendingLife * factor,
        TombstoneLife = TombstoneLife * factor,
        HeldBatch = HeldBatch * factor,
        ProducerExpiration = ProducerExpiration * factor,
        NodeMemory = NodeMemory * factor,
        Drain = Drain * factor,
    };
}

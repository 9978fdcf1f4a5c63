using Warp.Actors.Cluster;
using Warp.Actors.Cluster.Peers;
using Warp.Streams.Objects.Resilience;
using Warp.Streams.Produce;

namespace Warp.Node.Configuration;

/// <summary>The table of all keys: where each goes in <see cref="NodeOptions"/>, its type and its range.</summary>
internal static class NodeOptionsReader
{
    private const int KiB = 1024;
    private const int MiB = 1024 * KiB;

    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1);

    /// <summary>Reads all keys; the reader gathers what is wrong.</summary>
    /// <param name="read">Where the keys' values are.</param>
    /// <param name="memoryLimit">What the process may use, in bytes; <c>auto</c> sizes and percentages are shares of it.</param>
    public static NodeOptions Read(OptionsReader read, long memoryLimit) => new()
    {
        Kafka = new KafkaOptions(
            Listen: read.Address("warp.kafka.listen"),
            Advertised: read.OptionalAddress("warp.kafka.advertised")),
        Http = new HttpOptions(read.Address("warp.http.listen")),
        Rpc = new RpcOptions(
            Listen: read.Address("warp.rpc.listen"),
            Advertised: read.OptionalAddress("warp.rpc.advertised"),
            Tls: RpcTls(read)),
        Cluster = new ClusterOptions(
            Secret: read.OptionalSecret("warp.cluster.secret", PeerSettings.MinSecretLength),
            Seeds: read.Addresses("warp.cluster.seeds"),
            FeatureLevel: read.OptionalInteger("warp.cluster.feature-level", 1, FeatureLevels.Newest)),
        Journal = new JournalOptions(
            read.JournalUrl("warp.journal.url"),
            read.Duration("warp.journal.wait", TimeSpan.Zero, s_longest)),
        Store = new StoreOptions(
            read.StoreUrl("warp.store.url"),
            read.OptionalStoreUrl("warp.store.compacted-url"),
            new ResilienceSettings
            {
                AttemptTimeout = read.Duration("warp.store.attempt-timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
                Retries = read.Integer("warp.store.retries", 0, 100),
                Hedging = read.Boolean("warp.store.hedging"),
                HedgeBudget = read.Number("warp.store.hedge-budget", 0, 1),
            }),
        Flush = new FlushSettings(
            Interval: read.Duration("warp.flush.interval", TimeSpan.Zero, TimeSpan.FromMinutes(1)),
            SizeBytes: read.Size("warp.flush.size", 64 * KiB, 512 * MiB),
            PutsPerSecond: read.Integer("warp.flush.puts-per-second", 0, 10_000),
            PutsInFlight: read.Integer("warp.flush.puts-in-flight", 1, 1_000))
        {
            PutsPerSecondMax = read.Integer("warp.flush.puts-per-second-max", 0, 10_000),
            Quiet = read.Duration("warp.flush.quiet", TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1)),
        },
        Cache = new CacheOptions(read.Memory("warp.cache.size", 4 * MiB, memoryLimit / 4, memoryLimit)),
        Compaction = new CompactionOptions(
            Enabled: read.Boolean("warp.compaction.enabled"),
            Interval: read.Duration("warp.compaction.interval", TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)),
            MinObjects: read.Integer("warp.compaction.min-objects", 2, 1_000),
            L1SizeBytes: read.Size("warp.compaction.l1-size", 1 * MiB, 1024 * MiB),
            L2SizeBytes: read.Size("warp.compaction.l2-size", 1 * MiB, 1024 * MiB),
            BytesPerSecond: read.Size("warp.compaction.bytes-per-second", 1 * MiB, 1024 * MiB),
            MemoryBytes: read.Memory(
                "warp.compaction.memory", 32 * MiB, Math.Clamp(memoryLimit / 8, 32L * MiB, 256L * MiB), memoryLimit)),
        LogCompaction = new LogCompactionOptions(
            Interval: read.Duration("warp.log-compaction.interval", TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)),
            MinDirtyBytes: read.Size("warp.log-compaction.min-dirty-bytes", 0, 1024 * MiB)),
        Topic = new TopicOptions(
            Defaults: read.Section("warp.topic.defaults"),
            AutoCreate: read.Boolean("warp.topic.auto-create"),
            Partitions: read.Integer("warp.topic.partitions", 1, 10_000)),
        Retention = new RetentionOptions(read.Duration("warp.retention.check-interval", s_shortest, s_longest)),
        Gc = new GcOptions(
            Enabled: read.Boolean("warp.gc.enabled"),
            Interval: read.Duration("warp.gc.interval", s_shortest, s_longest),
            DeletesPerSecond: read.Integer("warp.gc.deletes-per-second", 1, 100_000)),
        Node = new NodeIdentityOptions(
            Id: read.OptionalInteger("warp.node.id", 0, int.MaxValue),
            Zone: read.OptionalName("warp.node.zone"),
            Roles: read.Flags<NodeRoles>("warp.node.roles"),
            Group: read.Name("warp.node.group")),
        Timing = Timing(read),
        Limits = new LimitsOptions(
            RequestSizeBytes: read.Size("warp.limits.request-size", 64 * KiB, 1024 * MiB),
            RequestsInFlight: read.Integer("warp.limits.requests-in-flight", 1, 10_000),
            ConnectionsIdle: read.Duration("warp.limits.connections-idle", TimeSpan.FromSeconds(1), TimeSpan.FromDays(7)),
            BufferMemoryBytes: read.Memory(
                "warp.limits.buffer-memory", 1 * MiB, Math.Clamp(memoryLimit / 4, 64L * MiB, 1024L * MiB), memoryLimit),
            FetchMemoryBytes: read.Memory(
                "warp.limits.fetch-memory", 1 * MiB, Math.Clamp(memoryLimit / 8, 64L * MiB, 1024L * MiB), memoryLimit)),
    };

    private static RpcTlsOptions? RpcTls(OptionsReader read)
    {
        var tls = new RpcTlsOptions(
            Certificate: read.OptionalFile("warp.rpc.tls.certificate"),
            Key: read.OptionalFile("warp.rpc.tls.key"),
            Ca: read.OptionalFile("warp.rpc.tls.ca"));
        return tls is { Certificate: null, Key: null, Ca: null } ? null : tls;
    }

    private static TimeConstants Timing(OptionsReader read)
    {
        var unscaled = new TimeConstants
        {
            Lease = read.Duration("warp.timing.lease", s_shortest, s_longest),
            LeaseRenewal = read.Duration("warp.timing.lease-renewal", s_shortest, s_longest),
            LeaseMargin = read.Duration("warp.timing.lease-margin", s_shortest, s_longest),
            CommitDeadline = read.Duration("warp.timing.commit-deadline", s_shortest, s_longest),
            AnswerMemory = read.Duration("warp.timing.answer-memory", s_shortest, s_longest),
            PlanLife = read.Duration("warp.timing.plan-life", s_shortest, s_longest),
            CollectionGrace = read.Duration("warp.timing.collection-grace", s_shortest, s_longest),
            PendingLife = read.Duration("warp.timing.pending-life", s_shortest, s_longest),
            HeldBatch = read.Duration("warp.timing.held-batch", s_shortest, s_longest),
            NodeMemory = read.Duration("warp.timing.node-memory", s_shortest, TimeSpan.FromDays(365)),
            Drain = read.Duration("warp.timing.drain", s_shortest, s_longest),
        };
        var scale = read.Number("warp.timing.scale", 0.001, 10);
        // With a scale that cannot be read, how the constants relate can still be checked.
        return scale > 0 ? unscaled.ScaledBy(scale) : unscaled;
    }
}

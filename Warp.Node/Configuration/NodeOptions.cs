using System.Security.Cryptography;
using Warp.Actors.Cluster;
using Warp.Actors.Cluster.Peers;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Resilience;
using Warp.Streams.Produce;

namespace Warp.Node.Configuration;

/// <summary>
/// Everything a node is told at its start, read and validated; <c>reference.conf</c> says what each key means to an operator.
/// <see cref="NodeConfiguration"/> makes it from files, environment and command line.
/// </summary>
public sealed record NodeOptions
{
    public required KafkaOptions Kafka { get; init; }

    public required HttpOptions Http { get; init; }

    public required RpcOptions Rpc { get; init; }

    public required ClusterOptions Cluster { get; init; }

    public required JournalOptions Journal { get; init; }

    public required StoreOptions Store { get; init; }

    /// <summary><c>warp.flush</c></summary>
    public required FlushSettings Flush { get; init; }

    public required CacheOptions Cache { get; init; }

    public required CompactionOptions Compaction { get; init; }

    public required LogCompactionOptions LogCompaction { get; init; }

    public required TopicOptions Topic { get; init; }

    public required RetentionOptions Retention { get; init; }

    public required GcOptions Gc { get; init; }

    public required NodeIdentityOptions Node { get; init; }

    public required TimeConstants Timing { get; init; }

    public required LimitsOptions Limits { get; init; }
}

/// <summary><c>warp.kafka</c>: the listener for Kafka clients. <paramref name="Advertised"/> is null where nothing was set.</summary>
public sealed record KafkaOptions(HostPort Listen, HostPort? Advertised)
{
    /// <summary>
    /// The address that Metadata names to clients, once the listener is bound: the advertised one, or else the listen address, with
    /// <c>localhost</c> in the place of a wildcard; port 0 becomes <paramref name="boundPort"/>.
    /// </summary>
    public HostPort AdvertisedAt(int boundPort) => Listen.AdvertisedAs(Advertised, boundPort);
}

/// <summary><c>warp.http</c>: metrics and health.</summary>
public sealed record HttpOptions(HostPort Listen);

/// <summary>
/// <c>warp.rpc</c>: node to node. <paramref name="Advertised"/> is null where nothing was set, and <paramref name="Tls"/> where there is
/// none.
/// </summary>
public sealed record RpcOptions(HostPort Listen, HostPort? Advertised, RpcTlsOptions? Tls)
{
    /// <summary>The address that other nodes are told, once the listener is bound; made up like that for clients.</summary>
    public HostPort AdvertisedAt(int boundPort) => Listen.AdvertisedAs(Advertised, boundPort);
}

/// <summary><c>warp.rpc.tls</c>: PEM files. One may be missing only where that is noted as a problem.</summary>
public sealed record RpcTlsOptions(string? Certificate, string? Key, string? Ca)
{
    /// <summary>Reads the files.</summary>
    /// <exception cref="ConfigurationException">They cannot be read, or hold something else.</exception>
    public PeerTls Load()
    {
        try
        {
            return PeerTls.Load(Certificate!, Key!, Ca!);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new ConfigurationException($"warp.rpc.tls: {error.Message}");
        }
    }
}

/// <summary>
/// <c>warp.cluster</c>: what the nodes of a cluster share. Without a <paramref name="Secret"/> there is only this node. A node with
/// <paramref name="Seeds"/> has no way to the journal, and joins by these nodes. It offers no more than <paramref name="FeatureLevel"/>, if there is
/// one.
/// </summary>
public sealed record ClusterOptions(string? Secret, IReadOnlyList<HostPort> Seeds, int? FeatureLevel)
{
    /// <summary>The feature level up to which this node goes along.</summary>
    public int OfferedLevel => FeatureLevel ?? FeatureLevels.Newest;

    /// <summary>Says nothing of the secret: options end up in logs.</summary>
    public override string ToString() =>
        $"{nameof(ClusterOptions)} {{ {nameof(Secret)} = {(Secret is null ? "none" : "set")}, {nameof(Seeds)} = {string.Join(' ', Seeds)}, "
        + $"{nameof(OfferedLevel)} = {OfferedLevel} }}";
}

/// <summary>
/// <c>warp.journal</c>: the scheme is <see cref="BackendUrl.SqliteScheme"/> or <see cref="BackendUrl.PostgresScheme"/>.
/// </summary>
public sealed record JournalOptions(BackendUrl Url, TimeSpan Wait);

/// <summary>
/// <c>warp.store</c>. What compaction writes goes to <paramref name="CompactedUrl"/>, or to <paramref name="Url"/> too if that is null.
/// </summary>
public sealed record StoreOptions(StoreUrl Url, StoreUrl? CompactedUrl, ResilienceSettings Resilience);

/// <summary><c>warp.cache</c>: the memory for chunks of objects.</summary>
public sealed record CacheOptions(long SizeBytes);

/// <summary>
/// <c>warp.compaction</c>: whether this node compacts, how often it is looked for work, how many small objects are worth a job, how long
/// objects of the levels 1 and 2 become, and what a job may use: bytes a second to and from the store, and memory.
/// </summary>
public sealed record CompactionOptions(
    bool Enabled, TimeSpan Interval, int MinObjects, int L1SizeBytes, int L2SizeBytes, int BytesPerSecond, long MemoryBytes);

/// <summary>
/// <c>warp.log-compaction</c>: how often this node looks for logs to compact by key, and how many bytes must be new in one.
/// </summary>
public sealed record LogCompactionOptions(TimeSpan Interval, long MinDirtyBytes);

/// <summary>
/// <c>warp.topic</c>. <paramref name="Defaults"/> are Kafka topic configs by name as they were written (lists joined with commas);
/// whether Kafka knows them is the topic catalog's affair. <paramref name="Partitions"/> is what a topic gets that does not ask.
/// </summary>
public sealed record TopicOptions(IReadOnlyDictionary<string, string> Defaults, bool AutoCreate, int Partitions);

/// <summary><c>warp.retention</c>: how often records are looked at for their retention.</summary>
public sealed record RetentionOptions(TimeSpan CheckInterval);

/// <summary>
/// <c>warp.gc</c>: every <paramref name="Interval"/> the objects that nothing refers to any more are deleted, at most
/// <paramref name="DeletesPerSecond"/> of them, unless it is not <paramref name="Enabled"/>.
/// </summary>
public sealed record GcOptions(bool Enabled, TimeSpan Interval, int DeletesPerSecond);

/// <summary><c>warp.node</c>. Without an <paramref name="Id"/> the journal gives one; <paramref name="Zone"/> may be unknown.</summary>
public sealed record NodeIdentityOptions(int? Id, string? Zone, NodeRoles Roles, string Group);

/// <summary>What a node does for the cluster.</summary>
[Flags]
public enum NodeRoles
{
    None = 0,

    /// <summary>Takes what producers send.</summary>
    Produce = 1,

    /// <summary>Serves consumers.</summary>
    Fetch = 2,

    /// <summary>May own shards.</summary>
    Control = 4,

    /// <summary>May run compaction.</summary>
    Jobs = 8,

    All = Produce | Fetch | Control | Jobs,
}

/// <summary>
/// <c>warp.limits</c>: bounds that keep one client from harming the others. <paramref name="RequestSizeBytes"/> bounds one request,
/// <paramref name="RequestsInFlight"/> those of one connection, <paramref name="BufferMemoryBytes"/> the record bytes of
/// all producers together, <paramref name="FetchMemoryBytes"/> those of all answers to consumers.
/// </summary>
public sealed record LimitsOptions(
    int RequestSizeBytes, int RequestsInFlight, TimeSpan ConnectionsIdle, long BufferMemoryBytes, long FetchMemoryBytes);

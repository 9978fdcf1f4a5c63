using Warp.Protocol.Compression;

namespace Warp.Load;

/// <summary>Where consumers begin.</summary>
public enum ConsumeFrom
{
    /// <summary>At the end of the log as it is when the run begins: they get what is produced meanwhile.</summary>
    Tail,

    /// <summary>At the first record; having come to the end of the log they begin again.</summary>
    Start,

    /// <summary>At the first record; having come to where the log ended when the run began they stop, and the run with them.</summary>
    StartOnce,
}

/// <summary>
/// A load, whatever broker gets it. Sizes are in bytes, MB are 10^6 of them. Producers are non-idempotent unless it is said otherwise, and
/// ask for acks=all in any case.
/// </summary>
public sealed record LoadPlan
{
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(7);

    /// <summary>Created if it is missing.</summary>
    public string Topic { get; init; } = "bench";

    /// <summary>Partitions of the topic, if it is created.</summary>
    public int Partitions { get; init; } = 12;

    /// <summary>Connections that produce. They share the partitions: each has its own, as long as there are enough.</summary>
    public int Producers { get; init; } = 1;

    /// <summary>Connections that consume, each of them all partitions.</summary>
    public int Consumers { get; init; }

    /// <summary>Key and value of a record.</summary>
    public int RecordBytes { get; init; } = 1024;

    /// <summary>Keys and values of a batch, before compression.</summary>
    public int BatchBytes { get; init; } = 64 << 10;

    /// <summary>The most batches, each for another partition, in one request.</summary>
    public int BatchesPerRequest { get; init; } = 12;

    public CompressionType Codec { get; init; }

    /// <summary>How many different keys the records have; 0 for none.</summary>
    public int Keys { get; init; }

    /// <summary>
    /// What all producers send together, in MB of records (as they are sent) a second, by the clock (open loop); null for as much as the
    /// broker takes (closed loop).
    /// </summary>
    public double? RateMegabytes { get; init; }

    /// <summary>The same in records a second; at most one of the two is given.</summary>
    public double? RateRecords { get; init; }

    /// <summary>Requests of one producer that may be unanswered.</summary>
    public int InFlight { get; init; } = 16;

    /// <summary>Whether producers have a producer id and number their batches.</summary>
    public bool Idempotent { get; init; }

    public ConsumeFrom From { get; init; }

    /// <summary>The most records (in bytes) that one Fetch asks for, in all and of each partition.</summary>
    public int FetchBytes { get; init; } = 50 << 20;

    /// <inheritdoc cref="FetchBytes"/>
    public int FetchPartitionBytes { get; init; } = 1 << 20;

    /// <summary>How long a Fetch may wait for a first record.</summary>
    public TimeSpan FetchWait { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The time before what counts.</summary>
    public TimeSpan Warmup { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The time that counts.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Produces so many MB and stops, whatever the durations say: for filling a topic. Then everything counts. Closed loop only.
    /// </summary>
    public double? TotalMegabytes { get; init; }

    /// <summary>Whether the run ends with its work, rather than by the clock.</summary>
    public bool EndsByItself => TotalMegabytes is not null || (From == ConsumeFrom.StartOnce && Consumers > 0);

    /// <summary>What is wrong with it, or null.</summary>
    public string? Problem() => this switch
    {
        { Partitions: < 1 } or { Producers: < 0 } or { Consumers: < 0 } or { InFlight: < 1 } or { BatchesPerRequest: < 1 } =>
            "partitions, requests in flight and batches per request are 1 or more, producers and consumers 0 or more",
        { RecordBytes: < 1 } or { BatchBytes: < 1 } or { FetchBytes: < 1 } or { FetchPartitionBytes: < 1 } => "sizes are 1 or more",
        { Producers: 0, Consumers: 0 } => "there is neither a producer nor a consumer",
        { RateMegabytes: not null, RateRecords: not null } => "a rate is either in MB or in records",
        { RateMegabytes: <= 0 } or { RateRecords: <= 0 } or { TotalMegabytes: <= 0 } => "rates and totals are more than 0",
        { TotalMegabytes: not null } when RateMegabytes is not null || RateRecords is not null => "a total is sent without a rate",
        { TotalMegabytes: not null, Producers: 0 } => "a total needs a producer",
        { From: ConsumeFrom.StartOnce, Producers: > 0, Consumers: > 0 } => "reading once what is there goes with consumers only, without producers",
        _ when Duration <= TimeSpan.Zero || Warmup < TimeSpan.Zero => "the duration is more than 0",
        _ when Duration > s_longest || Warmup > s_longest => "the duration and the warm-up are 7 days at most",
        _ => null,
    };
}

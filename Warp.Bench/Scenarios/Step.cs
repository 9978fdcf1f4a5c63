using System.Text.Json.Serialization;
using Warp.Bench.Yardsticks;
using Warp.Load;

namespace Warp.Bench.Scenarios;

/// <summary>One thing that a scenario does.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "do")]
[JsonDerivedType(typeof(StartStep), "start")]
[JsonDerivedType(typeof(RestartStep), "restart")]
[JsonDerivedType(typeof(LoadStep), "load")]
[JsonDerivedType(typeof(CompactStep), "compact")]
[JsonDerivedType(typeof(IdleStep), "idle")]
[JsonDerivedType(typeof(ColdStartStep), "coldStart")]
[JsonDerivedType(typeof(TcpStep), "tcp")]
[JsonDerivedType(typeof(DiskStep), "disk")]
[JsonDerivedType(typeof(ClientStep), "client")]
public abstract record Step
{
    /// <summary>What its figures are called: <c>as.name</c>.</summary>
    public string As { get; init; } = "";

    /// <summary>What is wrong with it, or null.</summary>
    public virtual string? Problem() => null;
}

/// <summary>Starts a broker on an empty folder; the one before ends, and its folder goes.</summary>
public sealed record StartStep : Step
{
    /// <summary>Each as <c>key=value</c>; <c>{folder}</c> is the broker's folder.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Variables, each as <c>name=value</c>.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];
}

/// <summary>Stops the broker and starts it again on the same folder: its cache is empty then.</summary>
public sealed record RestartStep : Step
{
    /// <summary>Whether the operating system forgets the objects too, so that they are read from the disk.</summary>
    public bool DropPageCache { get; init; }
}

/// <summary>Puts a load on the broker.</summary>
public sealed record LoadStep : Step
{
    public required LoadPlan Plan { get; init; }

    public override string? Problem() => Plan.Problem();
}

/// <summary>Has the broker merge its small objects until none is left to merge.</summary>
public sealed record CompactStep : Step
{
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(120);
}

/// <summary>Leaves the broker alone, and counts what it does all the same: <c>cpu_percent</c> of one processor, <c>rss_mb</c>,
/// <c>store_requests_per_minute</c>, <c>allocated_mb_per_minute</c>.</summary>
public sealed record IdleStep : Step
{
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// Starts a broker on an empty folder and times its first acknowledged record (<c>first_ack_s</c>), then leaves it alone
/// (<c>idle_rss_mb</c>).
/// </summary>
public sealed record ColdStartStep : Step
{
    /// <inheritdoc cref="StartStep.Settings"/>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <inheritdoc cref="StartStep.Environment"/>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>How long it is left alone before its memory is looked at.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Yardstick: raw TCP on the loopback interface (<c>mb_per_s</c>, <c>cpu_s_per_gb</c>).</summary>
public sealed record TcpStep : Step
{
    /// <summary>Of one message.</summary>
    public required int FrameBytes { get; init; }

    /// <summary>Of its answer.</summary>
    public int AnswerBytes { get; init; } = 64;

    /// <summary>So many messages are sent in turn. One alone stays in the processor's cache; what a broker sends does not come from there.</summary>
    public int Frames { get; init; } = 1;

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(1.5);

    public override string? Problem() => FrameBytes < 1 || AnswerBytes < 1 ? "messages have 1 byte or more"
        : Frames < 1 ? "there is 1 message or more" : null;
}

/// <summary>Yardstick: files of 8 MiB written one after the other, each with an fsync (<c>mb_per_s</c>, <c>cpu_s_per_gb</c>).</summary>
public sealed record DiskStep : Step
{
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(1.5);
}

/// <summary>
/// A Confluent.Kafka client, against the broker or a yardstick: <c>produce_mb_per_s</c>, <c>consume_mb_per_s</c>.
/// </summary>
public sealed record ClientStep : Step
{
    public ClientTarget Against { get; init; }

    public ClientPlan Plan { get; init; } = new();

    public override string? Problem() =>
        Against == ClientTarget.Bare && Plan.ConsumeFor > TimeSpan.Zero ? "nothing can be read from a bare broker" : null;
}

/// <summary>Whom a client is connected to.</summary>
public enum ClientTarget
{
    /// <summary>The scenario's broker.</summary>
    Broker,

    /// <summary>Yardstick: librdkafka's mock broker, which keeps records in the memory of this process.</summary>
    Mock,

    /// <summary>Yardstick: a <see cref="BareBroker"/>.</summary>
    Bare,
}

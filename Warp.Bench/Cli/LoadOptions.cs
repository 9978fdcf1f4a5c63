using System.CommandLine;
using Warp.Bench.Broker;
using Warp.Bench.Load;
using Warp.Node.Configuration;
using Warp.Protocol.Compression;

namespace Warp.Bench.Cli;

/// <summary>The command line's options of one load, and of the broker that gets it.</summary>
internal sealed class LoadOptions
{
    private static readonly LoadPlan s_default = new();

    private readonly List<Option> _all = [];
    private readonly Option<string?> _broker;
    private readonly Option<string?> _bootstrap;
    private readonly Option<string?> _metrics;
    private readonly Option<string[]?> _set;
    private readonly Option<string[]?> _env;
    private readonly Option<string?> _folder;
    private readonly Option<string> _topic;
    private readonly Option<int> _partitions;
    private readonly Option<int> _producers;
    private readonly Option<int> _consumers;
    private readonly Option<int> _recordBytes;
    private readonly Option<int> _batchBytes;
    private readonly Option<int> _batchesPerRequest;
    private readonly Option<CompressionType> _codec;
    private readonly Option<int> _keys;
    private readonly Option<double?> _rateMegabytes;
    private readonly Option<double?> _rateRecords;
    private readonly Option<int> _inFlight;
    private readonly Option<bool> _idempotent;
    private readonly Option<ConsumeFrom> _from;
    private readonly Option<int> _fetchBytes;
    private readonly Option<double> _warmupSeconds;
    private readonly Option<double> _seconds;
    private readonly Option<double?> _totalMegabytes;

    public LoadOptions()
    {
        _broker = Add<string?>("--broker", null, "self (or nothing) starts a broker of its own, in a temporary folder.");
        _bootstrap = Add<string?>("--bootstrap", null, "A running broker instead, as host:port.");
        _metrics = Add<string?>("--metrics", null, "Where that one tells of itself, if it is a Warp node, as http://host:port.");
        _set = Add<string[]?>("--set", null, "A setting of the own broker, as key=value; {folder} in it is its folder.");
        _env = Add<string[]?>("--env", null, "A variable of the own broker's environment, as name=value.");
        _folder = Add<string?>("--folder", null, "Where the own broker's temporary folder is made.");
        _topic = Add("--topic", s_default.Topic, "Created if it is missing.");
        _partitions = Add("--partitions", s_default.Partitions, "Of the topic, if it is created.");
        _producers = Add("--producers", s_default.Producers, "Connections that produce.");
        _consumers = Add("--consumers", s_default.Consumers, "Connections that consume, each of them everything.");
        _recordBytes = Add("--record-size", s_default.RecordBytes, "Bytes of a record's key and value.");
        _batchBytes = Add("--batch-size", s_default.BatchBytes, "Bytes of a batch's keys and values.");
        _batchesPerRequest = Add("--batches-per-request", s_default.BatchesPerRequest, "The most batches, each for another partition.");
        _codec = Add("--codec", s_default.Codec, "How records are compressed.");
        _keys = Add("--keys", s_default.Keys, "Different keys; 0 for records without.");
        _rateMegabytes = Add<double?>("--rate-mb", null, "MB a second, by the clock; without a rate as much as the broker takes.");
        _rateRecords = Add<double?>("--rate-records", null, "The same in records.");
        _inFlight = Add("--in-flight", s_default.InFlight, "Unanswered requests of a producer.");
        _idempotent = Add("--idempotent", s_default.Idempotent, "Producers number their batches.");
        _from = Add("--from", s_default.From, "Where consumers begin; Start goes round, StartOnce ends at the end.");
        _fetchBytes = Add("--fetch-size", s_default.FetchBytes, "The most bytes of one Fetch.");
        _warmupSeconds = Add("--warmup", s_default.Warmup.TotalSeconds, "Seconds before what counts.");
        _seconds = Add("--seconds", s_default.Duration.TotalSeconds, "Seconds that count.");
        _totalMegabytes = Add<double?>("--total-mb", null, "Produces so many MB and ends.");
    }

    public IReadOnlyList<Option> All => _all;

    public LoadPlan Plan(ParseResult parsed) => new()
    {
        Topic = parsed.GetRequiredValue(_topic),
        Partitions = parsed.GetValue(_partitions),
        Producers = parsed.GetValue(_producers),
        Consumers = parsed.GetValue(_consumers),
        RecordBytes = parsed.GetValue(_recordBytes),
        BatchBytes = parsed.GetValue(_batchBytes),
        BatchesPerRequest = parsed.GetValue(_batchesPerRequest),
        Codec = parsed.GetValue(_codec),
        Keys = parsed.GetValue(_keys),
        RateMegabytes = parsed.GetValue(_rateMegabytes),
        RateRecords = parsed.GetValue(_rateRecords),
        InFlight = parsed.GetValue(_inFlight),
        Idempotent = parsed.GetValue(_idempotent),
        From = parsed.GetValue(_from),
        FetchBytes = parsed.GetValue(_fetchBytes),
        Warmup = TimeSpan.FromSeconds(parsed.GetValue(_warmupSeconds)),
        Duration = TimeSpan.FromSeconds(parsed.GetValue(_seconds)),
        TotalMegabytes = parsed.GetValue(_totalMegabytes),
    };

    /// <summary>The broker, which the caller disposes.</summary>
    /// <exception cref="ArgumentException">Both ways to get one were given, or an address is none.</exception>
    public async Task<IBroker> BrokerAsync(ParseResult parsed)
    {
        string? broker = parsed.GetValue(_broker);
        string? bootstrap = parsed.GetValue(_bootstrap);
        if (bootstrap is not null && broker is null)
        {
            return HostPort.TryParse(bootstrap, out HostPort? address)
                ? new RunningBroker(address, Metrics(parsed.GetValue(_metrics)))
                : throw new ArgumentException($"--bootstrap {bootstrap} is not host:port");
        }
        if (bootstrap is not null || broker is not (null or "self"))
            throw new ArgumentException("either --broker self or --bootstrap host:port");
        return await BrokerProcess.StartAsync(new BrokerSetup
        {
            Settings = parsed.GetValue(_set) ?? [],
            Environment = parsed.GetValue(_env) ?? [],
            Parent = parsed.GetValue(_folder),
        });
    }

    private static Uri? Metrics(string? text) => text is null ? null
        : Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" ? uri
        : throw new ArgumentException($"--metrics {text} is not http://host:port");

    private Option<T> Add<T>(string name, T value, string description)
    {
        var option = new Option<T>(name) { Description = description };
        // Shown in the help as the default.
        if (value is not null)
            option.DefaultValueFactory = _ => value;
        _all.Add(option);
        return option;
    }
}

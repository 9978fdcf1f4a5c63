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

    private readonly Option<string> _broker = new("--broker") { Description = "self starts a broker of its own, in a temporary folder.", HelpName = "self" };
    private readonly Option<string> _bootstrap = new("--bootstrap") { Description = "A running broker instead.", HelpName = "host:port" };
    private readonly Option<string?> _metrics = new("--metrics") { Description = "Where that one tells of itself, if it is a Warp node.", HelpName = "http://host:port" };
    private readonly Option<string[]> _set = new("--set") { Description = "A setting of the own broker; {folder} is its folder.", HelpName = "key=value" };
    private readonly Option<string[]> _env = new("--env") { Description = "A variable of the own broker's environment.", HelpName = "name=value" };
    private readonly Option<string?> _folder = new("--folder") { Description = "Where the own broker's temporary folder is made.", HelpName = "folder" };
    private readonly Option<string> _topic = new("--topic") { DefaultValueFactory = static _ => s_default.Topic, Description = "Created if it is missing." };
    private readonly Option<int> _partitions = new("--partitions") { DefaultValueFactory = static _ => s_default.Partitions, Description = "Of the topic, if it is created." };
    private readonly Option<int> _producers = new("--producers") { DefaultValueFactory = static _ => s_default.Producers, Description = "Connections that produce." };
    private readonly Option<int> _consumers = new("--consumers") { DefaultValueFactory = static _ => s_default.Consumers, Description = "Connections that consume, each of them everything." };
    private readonly Option<int> _recordBytes = new("--record-size") { DefaultValueFactory = static _ => s_default.RecordBytes, Description = "Bytes of a record's key and value." };
    private readonly Option<int> _batchBytes = new("--batch-size") { DefaultValueFactory = static _ => s_default.BatchBytes, Description = "Bytes of a batch's keys and values." };
    private readonly Option<int> _perRequest = new("--batches-per-request") { DefaultValueFactory = static _ => s_default.BatchesPerRequest, Description = "The most batches (each for another partition) in a request." };
    private readonly Option<CompressionType> _codec = new("--codec") { Description = "How records are compressed." };
    private readonly Option<int> _keys = new("--keys") { Description = "Different keys; 0 for records without." };
    private readonly Option<double?> _rate = new("--rate-mb") { Description = "MB a second, by the clock; without a rate as much as the broker takes." };
    private readonly Option<double?> _rateRecords = new("--rate-records") { Description = "The same in records." };
    private readonly Option<int> _inFlight = new("--in-flight") { DefaultValueFactory = static _ => s_default.InFlight, Description = "Unanswered requests of a producer." };
    private readonly Option<bool> _idempotent = new("--idempotent") { Description = "Producers number their batches." };
    private readonly Option<ConsumeFrom> _from = new("--from") { Description = "Where consumers begin: tail, start (again and again), startOnce." };
    private readonly Option<int> _fetchBytes = new("--fetch-size") { DefaultValueFactory = static _ => s_default.FetchBytes, Description = "The most bytes of one Fetch." };
    private readonly Option<double> _warmup = new("--warmup") { DefaultValueFactory = static _ => s_default.Warmup.TotalSeconds, Description = "Seconds before what counts." };
    private readonly Option<double> _seconds = new("--seconds") { DefaultValueFactory = static _ => s_default.Duration.TotalSeconds, Description = "Seconds that count." };
    private readonly Option<double?> _total = new("--total-mb") { Description = "Produces so many MB and ends." };

    public IEnumerable<Option> All =>
    [
        _broker, _bootstrap, _metrics, _set, _env, _folder, _topic, _partitions, _producers, _consumers, _recordBytes, _batchBytes, _perRequest, _codec,
        _keys, _rate, _rateRecords, _inFlight, _idempotent, _from, _fetchBytes, _warmup, _seconds, _total,
    ];

    public LoadPlan Plan(ParseResult parsed) => new()
    {
        Topic = parsed.GetRequiredValue(_topic),
        Partitions = parsed.GetValue(_partitions),
        Producers = parsed.GetValue(_producers),
        Consumers = parsed.GetValue(_consumers),
        RecordBytes = parsed.GetValue(_recordBytes),
        BatchBytes = parsed.GetValue(_batchBytes),
        BatchesPerRequest = parsed.GetValue(_perRequest),
        Codec = parsed.GetValue(_codec),
        Keys = parsed.GetValue(_keys),
        RateMegabytes = parsed.GetValue(_rate),
        RateRecords = parsed.GetValue(_rateRecords),
        InFlight = parsed.GetValue(_inFlight),
        Idempotent = parsed.GetValue(_idempotent),
        From = parsed.GetValue(_from),
        FetchBytes = parsed.GetValue(_fetchBytes),
        Warmup = TimeSpan.FromSeconds(parsed.GetValue(_warmup)),
        Duration = TimeSpan.FromSeconds(parsed.GetValue(_seconds)),
        TotalMegabytes = parsed.GetValue(_total),
    };

    /// <summary>The broker, which the caller disposes.</summary>
    /// <exception cref="ArgumentException">Neither or both ways to get one were given.</exception>
    public async Task<IBroker> BrokerAsync(ParseResult parsed)
    {
        string? bootstrap = parsed.GetValue(_bootstrap);
        if (bootstrap is not null && parsed.GetValue(_broker) is null)
        {
            return HostPort.TryParse(bootstrap, out HostPort? address)
                ? new RunningBroker(address, Metrics(parsed.GetValue(_metrics)))
                : throw new ArgumentException($"--bootstrap {bootstrap} is not host:port");
        }
        if (bootstrap is not null || parsed.GetValue(_broker) is not (null or "self"))
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
}

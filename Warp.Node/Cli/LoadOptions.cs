using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using Warp.Load;
using Warp.Node.Configuration;
using Warp.Protocol.Compression;

namespace Warp.Node.Cli;

/// <summary>The command line's options of one load, and of a running broker that gets it.</summary>
public sealed class LoadOptions
{
    private static readonly LoadPlan s_default = new();

    private readonly List<Option> _all = [];
    private readonly Option<string> _topic;
    private readonly Option<int> _partitions;
    private readonly Option<int> _producers;
    private readonly Option<int> _consumers;
    private readonly Option<int> _recordBytes;
    private readonly Option<int> _batchBytes;
    private readonly Option<int> _batchesPerRequest;
    private readonly Option<string> _codec;
    private readonly Option<int> _keys;
    private readonly Option<double?> _rateMegabytes;
    private readonly Option<double?> _rateRecords;
    private readonly Option<int> _inFlight;
    private readonly Option<bool> _idempotent;
    private readonly Option<string> _from;
    private readonly Option<int> _fetchBytes;
    private readonly Option<double?> _warmupSeconds;
    private readonly Option<double?> _seconds;
    private readonly Option<double?> _totalMegabytes;

    public LoadOptions()
    {
        Bootstrap = Add(new Option<HostPort?>("--bootstrap")
        {
            Description = "The broker, by its address for Kafka clients, without TLS or passwords. All requests go to this one broker.",
            HelpName = "host:port",
            CustomParser = Parser<HostPort?>(HostPort.TryParse, "an address such as 127.0.0.1:9092"),
        });
        Metrics = Add(new Option<Uri?>("--metrics")
        {
            Description = "The same broker's HTTP address, if it is a Warp node (warp.http.listen): adds processor time, memory, requests to "
                + "the store and what these cost, of everything that the node does meanwhile.",
            HelpName = "http://host:port",
            CustomParser = Parser<Uri?>(TryParseHttp, "an address such as http://127.0.0.1:9644"),
        });
        _topic = Add(new Option<string>("--topic")
        {
            Description = "The topic. It is created if it is missing, and it stays, with what was produced.",
            HelpName = "name",
            DefaultValueFactory = static _ => s_default.Topic,
        });
        _partitions = Whole("--partitions", "n", s_default.Partitions, "Its partitions, if it is created.");
        _producers = Whole("--producers", "n", s_default.Producers, "Connections that produce. They share the partitions.");
        _consumers = Whole("--consumers", "n", s_default.Consumers, "Connections that consume, each of them the whole topic.");
        _recordBytes = Whole("--record-size", "bytes", s_default.RecordBytes, "Key and value of a record.");
        _batchBytes = Whole("--batch-size", "bytes", s_default.BatchBytes, "Keys and values of a batch, before compression.");
        _batchesPerRequest = Whole(
            "--batches-per-request", "n", s_default.BatchesPerRequest, "The most batches in one request, each for another partition.");
        _codec = OneOf("--codec", s_default.Codec, "How batches are compressed.");
        _keys = Whole("--keys", "n", s_default.Keys, "Different keys; 0 for records without a key.");
        _rateMegabytes = Number(
            "--rate-mb",
            "MB/s",
            null,
            "What all producers send together, by the clock: latency then counts from when a request was due, so that a stall shows in all that "
                + "should have been sent meanwhile. Without a rate they send as much as the broker takes.");
        _rateRecords = Number("--rate-records", "records/s", null, "The same in records.");
        _inFlight = Whole("--in-flight", "n", s_default.InFlight, "Requests of one producer that may be unanswered.");
        _idempotent = Add(new Option<bool>("--idempotent") { Description = "Producers are idempotent: they number their batches." });
        _from = OneOf(
            "--from",
            s_default.From,
            "Where consumers begin. tail: at the end, so that they get what is produced meanwhile. start: at the first record, and there again "
                + "after the last. start-once: the same, but the run ends with the last record; it goes without producers.");
        _fetchBytes = Whole("--fetch-size", "bytes", s_default.FetchBytes, "The most bytes of one Fetch.");
        _warmupSeconds = Number("--warmup", "seconds", s_default.Warmup.TotalSeconds, "The time before what counts.");
        _seconds = Number("--seconds", "seconds", s_default.Duration.TotalSeconds, "The time that counts.");
        _totalMegabytes = Number(
            "--total-mb", "MB", null, "Produce so many MB and end, whatever --seconds says; everything counts. It goes without a rate.");
    }

    /// <summary>A running broker.</summary>
    public Option<HostPort?> Bootstrap { get; }

    /// <summary>Where that one tells of itself.</summary>
    public Option<Uri?> Metrics { get; }

    /// <summary>These options, as help lists them.</summary>
    public IReadOnlyList<Option> All => _all;

    /// <summary>The load that the arguments describe. It may have a <see cref="LoadPlan.Problem"/>.</summary>
    public LoadPlan Plan(ParseResult parsed) => new()
    {
        Topic = parsed.GetRequiredValue(_topic),
        Partitions = parsed.GetValue(_partitions),
        Producers = parsed.GetValue(_producers),
        Consumers = parsed.GetValue(_consumers),
        RecordBytes = parsed.GetValue(_recordBytes),
        BatchBytes = parsed.GetValue(_batchBytes),
        BatchesPerRequest = parsed.GetValue(_batchesPerRequest),
        Codec = Choice<CompressionType>(parsed.GetRequiredValue(_codec)),
        Keys = parsed.GetValue(_keys),
        RateMegabytes = parsed.GetValue(_rateMegabytes),
        RateRecords = parsed.GetValue(_rateRecords),
        InFlight = parsed.GetValue(_inFlight),
        Idempotent = parsed.GetValue(_idempotent),
        From = Choice<ConsumeFrom>(parsed.GetRequiredValue(_from)),
        FetchBytes = parsed.GetValue(_fetchBytes),
        Warmup = Seconds(parsed.GetValue(_warmupSeconds)),
        Duration = Seconds(parsed.GetValue(_seconds)),
        TotalMegabytes = parsed.GetValue(_totalMegabytes),
    };

    private Option<T> Add<T>(Option<T> option)
    {
        _all.Add(option);
        return option;
    }

    private Option<int> Whole(string name, string unit, int value, string description) => Add(new Option<int>(name)
    {
        Description = description,
        HelpName = unit,
        DefaultValueFactory = _ => value,
        CustomParser = Parser<int>(
            static (word, out number) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number), "a whole number"),
    });

    private Option<double?> Number(string name, string unit, double? value, string description)
    {
        var option = new Option<double?>(name)
        {
            Description = description,
            HelpName = unit,
            CustomParser = Parser<double?>(TryParseNumber, "a number such as 2 or 0.5"),
        };
        // Shown in the help as the default.
        if (value is not null)
            option.DefaultValueFactory = _ => value;
        return Add(option);
    }

    private Option<string> OneOf<T>(string name, T value, string description)
        where T : struct, Enum
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => WordOf(value) };
        option.AcceptOnlyFromAmong([.. Enum.GetValues<T>().Select(WordOf)]);
        return Add(option);
    }

    private static T Choice<T>(string word)
        where T : struct, Enum =>
        Enum.GetValues<T>().Single(value => WordOf(value) == word);

    private static string WordOf<T>(T value)
        where T : struct, Enum =>
        JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    /// <summary>What is too long for a <see cref="TimeSpan"/> is a problem of the plan, and no overflow.</summary>
    private static TimeSpan Seconds(double? seconds) => TimeSpan.FromSeconds(Math.Min(seconds ?? 0, TimeSpan.MaxValue.TotalSeconds / 10));

    private static bool TryParseNumber(string word, out double? number)
    {
        bool isNumber = double.TryParse(word, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value);
        number = value;
        return isNumber && double.IsFinite(value);
    }

    private static bool TryParseHttp(string word, out Uri? uri) => Uri.TryCreate(word, UriKind.Absolute, out uri) && uri.Scheme is "http" or "https";

    private delegate bool Reading<T>(string word, out T value);

    private static Func<ArgumentResult, T> Parser<T>(Reading<T> read, string wanted) => argument =>
    {
        string word = argument.Tokens[0].Value;
        if (!read(word, out T value))
            argument.AddError($"{((OptionResult)argument.Parent!).Option.Name} {word} is not {wanted}");
        return value;
    };
}

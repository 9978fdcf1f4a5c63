using Warp.Load;
using Warp.Node.Cli;
using Warp.Node.Cli.Ctl;
using Warp.Node.Configuration;
using Warp.Protocol.Compression;
using Warp.Specs.Node.Configuration;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Node.Cli;

public sealed class CommandLineSpec : IDisposable
{
    private readonly RecordingCommands _commands = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly Dictionary<string, string> _environment = [];

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task Node_gets_its_options_from_all_sources()
    {
        using var folder = new TemporaryFolder();
        var first = folder.Write("a.conf", "warp.node { group = a, zone = a }");
        var second = folder.Write("b.conf", "warp.node.group = b");
        _environment["WARP_NODE_ID"] = "5";
        Assert.Equal(0, await RunAsync("node", "-c", first, "--config", second, "--set", "warp.kafka.listen=h:1", "warp.flush.size=1MiB"));
        Assert.Equal(new NodeIdentityOptions(5, "a", NodeRoles.All, "b"), _commands.Options!.Node);
        Assert.Equal("h:1", _commands.Options.Kafka.Listen.ToString());
        Assert.Equal(1 << 20, _commands.Options.Flush.SizeBytes);
        Assert.Empty(_error.ToString());
    }

    [Fact]
    public async Task A_playground_keeps_its_data_in_a_folder()
    {
        Assert.Equal(0, await RunAsync("playground", "--dir", "try", "--set", "warp.flush.interval=0"));
        var playground = _commands.Playground!;
        Assert.Equal(("try", false), (playground.Directory, playground.IsTemporary));
        Assert.Equal(new BackendUrl("sqlite", Path.Combine("try", "journal.db")), playground.Options.Journal.Url);
        Assert.Equal(new StoreUrl.Folder(Path.Combine("try", "objects")), playground.Options.Store.Url);
        Assert.Equal("127.0.0.1:9092", playground.Options.Kafka.Listen.ToString());
        Assert.Equal(TimeSpan.Zero, playground.Options.Flush.Interval);
    }

    [Fact]
    public async Task A_playground_without_a_folder_gets_a_temporary_one_of_its_own()
    {
        await RunAsync("playground");
        var first = _commands.Playground!;
        await RunAsync("playground", "--set", "warp.store.url=mem:");
        var second = _commands.Playground!;
        Assert.True(first.IsTemporary);
        Assert.StartsWith(Path.GetTempPath(), first.Directory);
        Assert.NotEqual(first.Directory, second.Directory);
        Assert.Equal("mem:", second.Options.Store.Url.ToString());
    }

    [Theory]
    [InlineData(new[] { "demo" }, null)]
    [InlineData(new[] { "demo", "--for", "30s" }, 30)]
    [InlineData(new[] { "demo", "--for=2min" }, 120)]
    public async Task A_demo_runs_on_free_ports_for_a_time(string[] args, int? seconds)
    {
        Assert.Equal(0, await RunAsync(args));
        Assert.Equal(seconds, (int?)_commands.Demo!.For?.TotalSeconds);
        Assert.True(_commands.Demo.Playground.IsTemporary);
        var options = _commands.Demo.Playground.Options;
        Assert.Equal((0, 0, 0), (options.Kafka.Listen.Port, options.Http.Listen.Port, options.Rpc.Listen.Port));
    }

    [Fact]
    public async Task A_bench_without_options_is_the_default_load()
    {
        Assert.Equal(0, await RunAsync("bench", "--bootstrap", "[::1]:9092"));
        Assert.Equal(new BenchArguments(new HostPort("::1", 9092), null, new LoadPlan(), Json: false), _commands.Bench);
    }

    [Fact]
    public async Task A_bench_reads_every_option_of_its_load()
    {
        string line = "bench --bootstrap b:1 --metrics http://b:2 --topic t --partitions 2 --producers 3 --consumers 4 --record-size 5 --batch-size 6 "
            + "--batches-per-request 7 --codec zstd --keys 8 --rate-mb 9.5 --rate-records 10 --in-flight 11 --idempotent --from start-once "
            + "--fetch-size 12 --warmup 0.5 --seconds 13 --total-mb 14 --json";
        Assert.Equal(0, await RunAsync(line.Split(' ')));
        var plan = new LoadPlan
        {
            Topic = "t",
            Partitions = 2,
            Producers = 3,
            Consumers = 4,
            RecordBytes = 5,
            BatchBytes = 6,
            BatchesPerRequest = 7,
            Codec = CompressionType.Zstd,
            Keys = 8,
            RateMegabytes = 9.5,
            RateRecords = 10,
            InFlight = 11,
            Idempotent = true,
            From = ConsumeFrom.StartOnce,
            FetchBytes = 12,
            Warmup = TimeSpan.FromSeconds(0.5),
            Duration = TimeSpan.FromSeconds(13),
            TotalMegabytes = 14,
        };
        Assert.Equal(new BenchArguments(new HostPort("b", 1), new Uri("http://b:2"), plan, Json: true), _commands.Bench);
    }

    [Fact]
    public async Task Inspect_gets_the_path()
    {
        Assert.Equal(0, await RunAsync("inspect", "x/@y"));
        Assert.Equal("x/@y", _commands.Inspected);
    }

    [Theory]
    [InlineData(new[] { "store", "verify" }, "verify json:False")]
    [InlineData(new[] { "store", "verify", "--json" }, "verify json:True")]
    [InlineData(new[] { "store", "repair" }, "repair json:False")]
    [InlineData(new[] { "store", "repair", "--json" }, "repair json:True")]
    [InlineData(new[] { "store", "gc" }, "gc dry-run:False json:False")]
    [InlineData(new[] { "store", "gc", "--dry-run", "--json" }, "gc dry-run:True json:True")]
    public async Task Store_commands_get_the_configuration_and_their_options(string[] args, string call)
    {
        Assert.Equal(0, await RunAsync([.. args, "--set", "warp.store.url=file:x"]));
        Assert.Equal(call, _commands.StoreCall);
        Assert.Equal("file:x", _commands.Options!.Store.Url.ToString());
    }

    [Fact]
    public async Task Version_is_one_line()
    {
        Assert.Equal(0, await RunAsync("version"));
        Assert.Matches(@"^warp \d+\.\d+\.\d+.* \(\.NET .+\)\n$", _output.ToString());
    }

    [Fact]
    public async Task Config_prints_every_value_with_its_origin()
    {
        _environment["WARP_NODE_ZONE"] = "a";
        _environment["WARP_CLUSTER_SECRET"] = "nobody is to see this";
        Assert.Equal(0, await RunAsync("config", "--set", "warp.topic.defaults.retention.ms=5", "warp.store.url=file:a\"b\\c"));
        var lines = _output.ToString().Split('\n');
        Assert.Contains("warp.kafka.listen = \"0.0.0.0:9092\"  # reference.conf:20", lines);
        Assert.Contains($"warp.node.id = null  # {ReferenceLine.Of("warp.node.id")}", lines);
        Assert.Contains("warp.node.zone = a  # WARP_NODE_ZONE", lines);
        Assert.Contains("warp.cluster.secret = \"(hidden)\"  # WARP_CLUSTER_SECRET", lines);
        Assert.Contains($"warp.node.roles = [produce, fetch, control, jobs]  # {ReferenceLine.Of("warp.node.roles")}", lines);
        Assert.Contains("warp.topic.defaults.retention.ms = 5  # --set", lines);
        Assert.Contains("warp.store.url = \"file:a\\\"b\\\\c\"  # --set", lines);
    }

    [Fact]
    public async Task Config_prints_no_password()
    {
        _environment["WARP_JOURNAL_PASSWORD"] = "hush-1";
        Assert.Equal(0, await RunAsync("config", "--set", "warp.journal.url=postgres://warp:hush-2@db:5432/warp"));
        Assert.DoesNotContain("hush", _output.ToString());
        Assert.Contains("warp.journal.url = \"postgres://warp:***@db:5432/warp\"  # --set", _output.ToString().Split('\n'));
    }

    [Fact]
    public async Task What_config_prints_is_a_configuration()
    {
        await RunAsync("config", "--set", "warp.topic.defaults.x=a\"b\\c");
        using var folder = new TemporaryFolder();
        var file = folder.Write("printed.conf", _output.ToString());
        Assert.Equal(0, await RunAsync("node", "-c", file));
        Assert.Equal("a\"b\\c", _commands.Options!.Topic.Defaults["x"]);
    }

    [Fact]
    public async Task Config_prints_the_reference()
    {
        Assert.Equal(0, await RunAsync("config", "--reference"));
        Assert.Equal(ReferenceConfiguration.Text, _output.ToString());
    }

    [Theory]
    [InlineData("", "warp demo --for 30s")]
    [InlineData("node", "warp node -c warp.conf --set warp.kafka.listen=0.0.0.0:9092")]
    [InlineData("playground", "warp playground --dir ./try")]
    [InlineData("demo", "warp demo --for 30s")]
    [InlineData("bench", "warp bench --bootstrap 127.0.0.1:9092 --metrics http://127.0.0.1:9644 --producers 4 --consumers 1 --rate-mb 20")]
    [InlineData("inspect", "warp inspect warp-data/objects/l0/3f/01JD0XQ9S3V7M2K8T5W6Y4Z1AB")]
    [InlineData("store", "warp store verify -c warp.conf")]
    [InlineData("store verify", "warp store verify -c warp.conf")]
    [InlineData("store gc", "warp store gc -c warp.conf --dry-run")]
    [InlineData("store repair", "warp store repair -c warp.conf")]
    [InlineData("compaction", "warp compaction show")]
    [InlineData("compaction run", "warp compaction run --set warp.http.listen=127.0.0.1:9644")]
    [InlineData("config", "warp config -c warp.conf")]
    [InlineData("ctl", "warp ctl cluster show")]
    [InlineData("ctl shards", "warp ctl shards show")]
    [InlineData("ctl shards move", "warp ctl shards move 17 2")]
    [InlineData("ctl topics", "warp ctl topics orders")]
    [InlineData("ctl help", "warp ctl help cluster drain")]
    [InlineData("version", "warp version")]
    public async Task Help_ends_with_an_example(string command, string example)
    {
        Assert.Equal(0, await RunAsync([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]));
        Assert.EndsWith($"Example:\n  {example}\n", _output.ToString());
    }

    [Theory]
    [InlineData(new string[0], "Required command was not provided (warp --help shows how)")]
    [InlineData(new[] { "nod", "-c", "x" }, "unknown argument nod (did you mean node?)")]
    [InlineData(new[] { "start" }, "unknown argument start (warp --help shows how)")]
    [InlineData(new[] { "node", "--sett", "x=1" }, "unknown argument --sett (did you mean --set?)")]
    [InlineData(new[] { "node", "stray" }, "unknown argument stray (warp node --help shows how)")]
    [InlineData(new[] { "node", "-c" }, "Required argument missing for option: '-c' (warp node --help shows how)")]
    [InlineData(new[] { "inspect" }, "Required argument missing for command: 'inspect' (warp inspect --help shows how)")]
    [InlineData(new[] { "store", "gc", "--dry-rum" }, "unknown argument --dry-rum (did you mean --dry-run?)")]
    [InlineData(new[] { "store", "verify", "x" }, "unknown argument x (warp store verify --help shows how)")]
    [InlineData(new[] { "demo", "--for", "ever" }, "--for ever is not a duration such as 30s or 5min (warp demo --help shows how)")]
    [InlineData(new[] { "demo", "--for", "0s" }, "--for 0s is not a duration such as 30s or 5min (warp demo --help shows how)")]
    [InlineData(new[] { "bench" }, "Option '--bootstrap' is required (warp bench --help shows how)")]
    [InlineData(new[] { "bench", "--bootstrap", "9092" }, "--bootstrap 9092 is not an address such as 127.0.0.1:9092 (warp bench --help shows how)")]
    [InlineData(
        new[] { "bench", "--bootstrap", "a:1,b:1" }, "--bootstrap a:1,b:1 is not an address such as 127.0.0.1:9092 (warp bench --help shows how)")]
    [InlineData(
        new[] { "bench", "--bootstrap", "a:1", "--metrics", "a:2" },
        "--metrics a:2 is not an address such as http://127.0.0.1:9644 (warp bench --help shows how)")]
    [InlineData(new[] { "bench", "--bootstrap", "a:1", "--seconds", "ten" }, "--seconds ten is not a number such as 2 or 0.5 (warp bench --help shows how)")]
    [InlineData(new[] { "bench", "--bootstrap", "a:1", "--producers", "-1" }, "--producers -1 is not a whole number (warp bench --help shows how)")]
    [InlineData(
        new[] { "bench", "--bootstrap", "a:1", "--codec", "rar" },
        "Argument 'rar' not recognized. Must be one of: 	'none' 	'gzip' 	'snappy' 	'lz4' 	'zstd' (warp bench --help shows how)")]
    [InlineData(new[] { "bench", "--bootstrp", "a:1" }, "unknown argument --bootstrp (did you mean --bootstrap?)")]
    [InlineData(new[] { "node", "-c", "/no/such.conf" }, "cannot read /no/such.conf: there is no such file")]
    [InlineData(new[] { "demo", "--set", "warp.x=1" }, "--set: unknown key warp.x (warp config --reference lists all keys)")]
    [InlineData(new[] { "config", "--set", "x" }, "--set: \"x\" is not key=value")]
    [InlineData(new[] { "ctl", "clustr", "show" }, "unknown argument clustr (did you mean cluster?)")]
    [InlineData(new[] { "ctl", "cluster", "drian", "1" }, "unknown argument drian (did you mean drain?)")]
    [InlineData(new[] { "ctl", "cluster", "show", "--jsn" }, "unknown argument --jsn (did you mean --json?)")]
    [InlineData(new[] { "ctl", "cluster", "drain" }, "Required argument missing for command: 'drain' (warp ctl cluster drain --help shows how)")]
    [InlineData(new[] { "ctl", "cluster", "drain", "x" }, "NODE must be a number, not x (warp ctl cluster drain --help shows how)")]
    [InlineData(new[] { "ctl", "shards", "move", "self", "1" }, "SHARD must be a number, not self (warp ctl shards move --help shows how)")]
    [InlineData(new[] { "ctl", "topics", "--node", "9644" }, "--node 9644 is not an address such as 127.0.0.1:9644 (warp ctl topics --help shows how)")]
    [InlineData(new[] { "ctl", "topics", "--set", "warp.x=1" }, "--set: unknown key warp.x (warp config --reference lists all keys)")]
    [InlineData(new[] { "ctl", "help", "cluster", "drian" }, "there is no command cluster drian (did you mean cluster drain?)")]
    public async Task Bad_usage_is_one_line_and_exit_code_2(string[] args, string line)
    {
        Assert.Equal(2, await RunAsync(args));
        Assert.Equal($"warp: {line}\n", _error.ToString());
        Assert.Empty(_output.ToString());
        Assert.Null(_commands.Options);
    }

    [Theory]
    [InlineData("show", CompactionVerb.Show)]
    [InlineData("run", CompactionVerb.Run)]
    [InlineData("pause", CompactionVerb.Pause)]
    [InlineData("resume", CompactionVerb.Resume)]
    public async Task Compaction_asks_the_node_of_the_configuration(string verb, CompactionVerb expected)
    {
        _environment["WARP_HTTP_LISTEN"] = "127.0.0.1:99";
        Assert.Equal(0, await RunAsync("compaction", verb));
        Assert.Equal((expected, "127.0.0.1:99"), _commands.Compaction);
    }

    [Theory]
    [InlineData("ctl cluster show", "cluster show ()")]
    [InlineData("ctl cluster show --json", "cluster show () json")]
    [InlineData("ctl --json cluster show", "cluster show () json")]
    [InlineData("ctl cluster drain self", "cluster drain (self)")]
    [InlineData("ctl cluster down 3 --force", "cluster down (3) --force")]
    [InlineData("ctl shards move 17 2", "shards move (17, 2)")]
    [InlineData("ctl topics", "topics ()")]
    [InlineData("ctl topics orders", "topics (orders)")]
    [InlineData("ctl groups billing --json", "groups (billing) json")]
    [InlineData("ctl store gc --dry-run", "store gc () --dry-run")]
    [InlineData("ctl health --ready", "health () --ready")]
    public async Task Commands_for_a_running_node_are_read_as_the_palette_has_them(string line, string call)
    {
        _environment["WARP_HTTP_LISTEN"] = "127.0.0.1:99";
        Assert.Equal(0, await RunAsync(line.Split(' ')));
        CtlCall read = _commands.Control!;
        Assert.Equal(call, $"{read.Words} ({string.Join(", ", read.Arguments)}){string.Concat(read.Flags.Select(static flag => $" {flag}"))}{(read.Json ? " json" : "")}");
        Assert.Equal("127.0.0.1:99", read.Node.ToString());
    }

    [Fact]
    public async Task The_node_that_is_named_is_asked_and_then_no_configuration_matters()
    {
        _environment["WARP_NO_SUCH_KEY"] = "1";
        Assert.Equal(0, await RunAsync("ctl", "journal", "show", "--node", "[::1]:7"));
        Assert.Equal("[::1]:7", _commands.Control!.Node.ToString());
    }

    [Fact]
    public async Task Without_a_command_there_is_a_prompt()
    {
        Assert.Equal(0, await RunAsync("ctl", "--set", "warp.http.listen=127.0.0.1:98"));
        Assert.Equal("127.0.0.1:98", _commands.Prompt);
    }

    [Fact]
    public async Task The_palette_lists_every_command_and_the_exit_codes()
    {
        Assert.Equal(0, await RunAsync("ctl", "help"));
        string text = _output.ToString();
        Assert.All(CtlPalette.Verbs, verb => Assert.Contains($"  {verb.Usage} ", text));
        Assert.Contains(CtlPalette.ExitCodes, text);
        Assert.Equal(0, await RunAsync("ctl", "--help"));
        Assert.Contains(CtlPalette.ExitCodes, string.Join(' ', _output.ToString().Split((char[])['\n', ' '], StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public async Task The_palette_explains_a_command()
    {
        Assert.Equal(0, await RunAsync("ctl", "help", "cluster", "down"));
        Assert.StartsWith("warp ctl cluster down NODE [--force]\n", _output.ToString());
        Assert.Contains("--force  Remove it even if it lives", _output.ToString());
    }

    [Fact]
    public async Task The_palette_lists_the_commands_of_a_word()
    {
        Assert.Equal(0, await RunAsync("ctl", "help", "shards"));
        Assert.Equal(4, _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task Each_problem_of_the_configuration_is_a_line()
    {
        Assert.Equal(2, await RunAsync("node", "--set", "warp.x=1", "warp.node.id=x"));
        Assert.Equal(2, _error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(line => line.StartsWith("warp: --set: ")));
    }

    [Fact]
    public async Task The_exit_code_of_a_command_is_handed_on()
    {
        _commands.Result = () => Task.FromResult(ExitCode.Failed);
        Assert.Equal(1, await RunAsync("node"));
    }

    [Fact]
    public async Task A_failure_while_running_is_one_line_and_exit_code_1()
    {
        _commands.Result = () => throw new IOException("the disk\nis gone");
        Assert.Equal(1, await RunAsync("node"));
        Assert.Equal("warp: the disk is gone\n", _error.ToString());
    }

    [Fact]
    public async Task A_taken_port_is_one_line_and_exit_code_2()
    {
        _commands.Result = () => throw new ConfigurationException("warp.kafka.listen: 0.0.0.0:9092 is in use");
        Assert.Equal(2, await RunAsync("node"));
        Assert.Equal("warp: warp.kafka.listen: 0.0.0.0:9092 is in use\n", _error.ToString());
    }

    [Fact]
    public async Task Stopping_is_no_failure()
    {
        using var stopping = new CancellationTokenSource();
        var running = new TaskCompletionSource();
        _commands.Result = async () =>
        {
            running.SetResult();
            await Task.Delay(Timeout.Infinite, _commands.Cancellation);
            return ExitCode.Ok;
        };
        var run = CommandLine.RunAsync(["node"], _commands, new CommandSurroundings(_output, _error, _environment), stopping.Token);
        await running.Task;
        await stopping.CancelAsync();
        Assert.Equal(0, await run);
        Assert.Empty(_error.ToString());
    }

    private Task<int> RunAsync(params string[] args) => CommandLine.RunAsync(
        args, _commands, new CommandSurroundings(_output, _error, _environment), TestContext.Current.CancellationToken);

    private sealed class RecordingCommands : INodeCommands
    {
        public NodeOptions? Options { get; private set; }

        public PlaygroundArguments? Playground { get; private set; }

        public DemoArguments? Demo { get; private set; }

        public BenchArguments? Bench { get; private set; }

        public string? Inspected { get; private set; }

        public string? StoreCall { get; private set; }

        public CancellationToken Cancellation { get; private set; }

        public Func<Task<int>> Result { get; set; } = () => Task.FromResult(ExitCode.Ok);

        public Task<int> RunNodeAsync(NodeOptions options, CancellationToken cancellationToken)
        {
            Options = options;
            Cancellation = cancellationToken;
            return Result();
        }

        public Task<int> RunPlaygroundAsync(PlaygroundArguments arguments, CancellationToken cancellationToken)
        {
            Playground = arguments;
            return Result();
        }

        public Task<int> RunDemoAsync(DemoArguments arguments, CancellationToken cancellationToken)
        {
            Demo = arguments;
            return Result();
        }

        public (CompactionVerb Verb, string Http)? Compaction { get; private set; }

        public Task<int> CompactionAsync(CompactionVerb verb, HostPort http, CancellationToken cancellationToken)
        {
            Compaction = (verb, http.ToString());
            return Result();
        }

        public CtlCall? Control { get; private set; }

        public string? Prompt { get; private set; }

        public Task<int> ControlAsync(CtlCall call, CancellationToken cancellationToken)
        {
            Control = call;
            return Result();
        }

        public Task<int> PromptAsync(HostPort node, CancellationToken cancellationToken)
        {
            Prompt = node.ToString();
            return Result();
        }

        public Task<int> RepairStoreAsync(NodeOptions options, bool json, CancellationToken cancellationToken)
        {
            Options = options;
            StoreCall = $"repair json:{json}";
            return Result();
        }

        public Task<int> BenchAsync(BenchArguments arguments, CancellationToken cancellationToken)
        {
            Bench = arguments;
            return Result();
        }

        public Task<int> InspectAsync(string objectPath, CancellationToken cancellationToken)
        {
            Inspected = objectPath;
            return Result();
        }

        public Task<int> VerifyStoreAsync(NodeOptions options, bool json, CancellationToken cancellationToken)
        {
            Options = options;
            StoreCall = $"verify json:{json}";
            return Result();
        }

        public Task<int> CollectStoreAsync(NodeOptions options, bool dryRun, bool json, CancellationToken cancellationToken)
        {
            Options = options;
            StoreCall = $"gc dry-run:{dryRun} json:{json}";
            return Result();
        }
    }
}

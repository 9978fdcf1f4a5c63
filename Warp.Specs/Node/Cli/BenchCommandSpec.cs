using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Warp.Node.Cli;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Cli;

public sealed class BenchCommandSpec(BenchedNode benched) : IClassFixture<BenchedNode>
{
    private const string SmallLoad = "--producers 2 --consumers 1 --rate-records 800 --batch-size 4096 --batches-per-request 2 --warmup 0 --seconds 1";

    private string Bootstrap => benched.Node.Bootstrap;

    private string Metrics => benched.Node.Http.ToString();

    [Fact]
    public async Task A_load_on_a_node_is_reported_with_what_it_cost()
    {
        (int exitCode, string text, string errors) = await RunAsync($"--bootstrap {Bootstrap} --metrics {Metrics} --topic told {SmallLoad}");
        Assert.Equal((0, ""), (exitCode, errors));
        Assert.StartsWith($"load on {Bootstrap}, topic told (12 partitions, if it has to be created)\n", text);
        Assert.Contains("2 producers, together 800 records/s by the clock; up to 16 requests of each unanswered\n", text);
        Assert.Contains("1 consumer of what is produced meanwhile\n", text);
        Assert.Matches(@"\n[\d.]+ s on 12 partitions \(", text);
        Assert.Matches(@"\n +MB/s +records/s +requests/s\nproduced +[\d.]+ +[\d.]+ +[\d.]+\nfetched +[\d.]+ +[\d.]+ +[\d.]+\n", text);
        Assert.Matches(@"\nlatency, ms +median +90 % +99 % +99\.9 % +longest\nproduce( +[\d.]+){5}   from .*\nend to end( +[\d.]+){5}   from ", text);
        Assert.Matches(@"\nbroker +[\d.]+ processors busy, [\d,]+ MB resident, ", text);
        Assert.Matches(@"\nstore +[\d.]+ PUTs a second \([\d,.]+ a GB produced\), \d+ GETs in all", text);
        Assert.Matches(@"\n +S3 Standard +\$0\.\d{5}\n +S3 Express One Zone +\$0\.\d{5}\n +Cloudflare R2 +\$0\.\d{5}\n", text);
        Assert.Matches(@"\ngenerator +[\d.]+ processors busy, ", text);
        Assert.DoesNotContain("Not measured", text);
        Assert.DoesNotContain("PROBLEM", text);
    }

    [Fact]
    public async Task Without_metrics_it_is_said_what_is_missing_and_how_to_get_it()
    {
        (int exitCode, string text, _) = await RunAsync($"--bootstrap {Bootstrap} --total-mb 1 --topic total --partitions 3");
        Assert.Equal(0, exitCode);
        Assert.Matches(@"\n[\d.]+ s on 3 partitions \(", text);
        Assert.Contains("Not measured: the broker's processor time and memory, its requests to the object store, and their cost.\n", text);
        Assert.Contains("add --metrics http://host:port\n", text);
        Assert.DoesNotContain("S3", text);
    }

    [Fact]
    public async Task Json_has_the_plan_the_figures_and_the_problems_and_nothing_else_is_printed()
    {
        (int exitCode, string text, string errors) =
            await RunAsync($"--bootstrap {Bootstrap} --metrics {Metrics} --topic json --codec lz4 {SmallLoad} --json");
        Assert.Equal((0, ""), (exitCode, errors));
        JsonElement json = JsonDocument.Parse(text).RootElement;
        Assert.Equal(("lz4", "tail"), (Text("codec"), Text("from")));
        Assert.Equal((12, false, 0), (
            json.GetProperty("partitions").GetInt32(),
            json.GetProperty("wasStopped").GetBoolean(),
            json.GetProperty("problems").GetArrayLength()));
        JsonElement figures = json.GetProperty("figures");
        // By the clock: no more is sent than is due, and what is answered later counts for the latency only.
        Assert.InRange(figures.GetProperty("produce_records_per_s").GetDouble(), 1, 800);
        Assert.All(
            (string[])["produce_p99_ms", "e2e_p99_ms", "broker_cpu_s_per_gb", "store_puts_per_gb", "cost_usd_per_gb[S3 Standard]"],
            name => Assert.True(figures.GetProperty(name).GetDouble() > 0, name));

        string? Text(string name) => json.GetProperty("plan").GetProperty(name).GetString();
    }

    [Fact]
    public async Task Requests_that_are_refused_are_a_problem_and_exit_code_1()
    {
        // A batch is larger than max.message.bytes.
        (int exitCode, string text, string errors) = await RunAsync(
            $"--bootstrap {Bootstrap} --topic refused --batch-size 2000000 --batches-per-request 1 --rate-records 10000 --warmup 0 --seconds 1");
        Assert.Equal((1, ""), (exitCode, errors));
        Assert.Contains("Nothing was produced or fetched.\n", text);
        Assert.Matches(@"\nPROBLEM +producers: \d+ × MESSAGE_TOO_LARGE\n$", text);
    }

    [Fact]
    public async Task Who_stops_it_too_early_is_told_so()
    {
        using var stopping = new CancellationTokenSource();
        await stopping.CancelAsync();
        (int exitCode, string text, string errors) = await RunUntilAsync($"--bootstrap {Bootstrap} --json", stopping.Token);
        Assert.Equal((0, "", "warp: stopped before anything was measured\n"), (exitCode, text, errors));
    }

    [Theory]
    [InlineData(
        "--bootstrap localhost:{free}", "no broker answers at localhost:{free} (Connection refused); --bootstrap takes its address for Kafka clients")]
    [InlineData(
        "--bootstrap 127.0.0.1:{http}",
        "what listens at 127.0.0.1:{http} is no Kafka broker, or one that asks for TLS or a password (The broker sent a frame of 1213486160 bytes)")]
    [InlineData(
        "--bootstrap {kafka} --metrics http://127.0.0.1:{free}",
        "no Warp node tells its metrics at http://127.0.0.1:{free}/ (Connection refused); --metrics takes its HTTP address (warp.http.listen)")]
    [InlineData(
        "--bootstrap {kafka} --metrics http://127.0.0.1:{other}",
        "no Warp node tells its metrics at http://127.0.0.1:{other}/ (there is no warp_build_info); --metrics takes its HTTP address (warp.http.listen)")]
    [InlineData("--bootstrap {kafka} --rate-mb 1 --rate-records 1", "a rate is either in MB or in records (warp bench --help shows how)")]
    [InlineData("--bootstrap {kafka} --rate-mb 1 --total-mb 1", "a total is sent without a rate (warp bench --help shows how)")]
    [InlineData("--bootstrap {kafka} --producers 0", "there is neither a producer nor a consumer (warp bench --help shows how)")]
    [InlineData(
        "--bootstrap {kafka} --consumers 1 --from start-once",
        "reading once what is there goes with consumers only, without producers (warp bench --help shows how)")]
    [InlineData("--bootstrap {kafka} --batch-size 0", "sizes are 1 or more (warp bench --help shows how)")]
    [InlineData("--bootstrap {kafka} --seconds 1000000", "the duration and the warm-up are 7 days at most (warp bench --help shows how)")]
    public async Task What_cannot_work_is_one_line_and_exit_code_2(string words, string line)
    {
        using var other = new OtherHttpServer();
        int free = FreePorts.Take();
        (int exitCode, string text, string errors) = await RunAsync(Fill(words));
        Assert.Equal((2, $"warp: {Fill(line)}\n", ""), (exitCode, errors, text));

        string Fill(string template) => template
            .Replace("{kafka}", Bootstrap)
            .Replace("{http}", $"{benched.Node.Http.Port}")
            .Replace("{free}", $"{free}")
            .Replace("{other}", $"{other.Port}");
    }

    private static Task<(int ExitCode, string Output, string Errors)> RunAsync(string words) =>
        RunUntilAsync(words, TestContext.Current.CancellationToken);

    private static async Task<(int ExitCode, string Output, string Errors)> RunUntilAsync(string words, CancellationToken stopping)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var surroundings = new CommandSurroundings(output, errors, new Dictionary<string, string>());
        int exitCode = await CommandLine.RunAsync(
            ["bench", .. words.Split(' ')], new NodeCommands(surroundings), surroundings, stopping);
        return (exitCode, output.ToString(), errors.ToString());
    }

    /// <summary>Answers its first request with metrics that are not those of a Warp node.</summary>
    private sealed class OtherHttpServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public OtherHttpServer()
        {
            _listener.Start();
            _ = AnswerAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void Dispose() => _listener.Dispose();

        private async Task AnswerAsync()
        {
            try
            {
                using Socket client = await _listener.AcceptSocketAsync();
                await client.ReceiveAsync(new byte[4096]);
                await client.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 16\r\nConnection: close\r\n\r\nsome_total 12.5\n"u8.ToArray());
            }
            catch (SocketException)
            {
                // Nobody asked.
            }
        }
    }
}

/// <summary>A node under the loads of a test class.</summary>
public sealed class BenchedNode : IAsyncLifetime
{
    public WarpProcess Node { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Node = await WarpProcess.StartAsync("warp.flush.interval=10ms");

    public ValueTask DisposeAsync() => Node.DisposeAsync();
}

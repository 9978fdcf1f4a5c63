using System.Net;
using Confluent.Kafka;
using Warp.Specs.Hosting;
using Warp.Specs.Scenarios;
using Warp.Specs.Streams.Objects.S3;
using Xunit;

namespace Warp.Specs.Node.Hosting;

/// <summary>What <c>/readyz</c> says of a running node whose journal or store does not work; <c>/healthz</c> stays well.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class ReadinessSpec
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_node_whose_journal_is_away_for_longer_than_a_lease_is_not_ready_until_it_is_back()
    {
        PostgresDatabase database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await using var proxy = new TcpProxy(database.Server.Port);
        await using var node = await WarpProcess.StartAsync(
            $"warp.rpc.listen=127.0.0.1:{FreePorts.Take()}",
            $"warp.journal.url=postgres://{PostgresServer.User}:{PostgresServer.Password}@127.0.0.1:{proxy.Port}/{database.Name}",
            "warp.cluster.secret=nobody else is there",
            "warp.timing.scale=0.2");
        Assert.Equal("ready", await ReadyzAsync(node));

        proxy.IsRefusing = true;
        proxy.Cut();
        await Wait.UntilAsync(
            () => ReadyzAsync(node).Result.StartsWith($"journal: postgres://{PostgresServer.User}@127.0.0.1:{proxy.Port}/{database.Name} was not reached for ", StringComparison.Ordinal),
            s_patience,
            "the journal among what is not ready");
        await AssertHealthyAsync(node);
        proxy.IsRefusing = false;
        await Wait.UntilAsync(() => ReadyzAsync(node).Result == "ready", s_patience, "readiness");
    }

    [Fact]
    public async Task A_node_whose_store_fails_is_not_ready_until_it_works_again()
    {
        await using var server = new FakeS3Server();
        await using var node = await WarpProcess.StartAsync(
            new Dictionary<string, string> { ["AWS_ACCESS_KEY_ID"] = S3Server.AccessKey, ["AWS_SECRET_ACCESS_KEY"] = S3Server.SecretKey },
            $"warp.store.url=s3://bucket?endpoint={server.Endpoint}&conditional-put=true");
        await Topics.CreateAsync(node, "orders", 1);
        using var producer = new ProducerBuilder<Null, string>(
            new ProducerConfig { BootstrapServers = node.Bootstrap, LingerMs = 0, MessageTimeoutMs = 60_000 }).Build();

        server.Script = static _ => (503, "SlowDown");
        producer.Produce("orders", new() { Value = "a record" });
        await Wait.UntilAsync(
            () => ReadyzAsync(node).Result.StartsWith("store: unavailable, requests to s3://bucket", StringComparison.Ordinal),
            s_patience,
            "the store among what is not ready");
        await AssertHealthyAsync(node);
        server.Script = static _ => null;
        await Wait.UntilAsync(() => ReadyzAsync(node).Result == "ready", s_patience, "readiness");
        Assert.Equal(0, producer.Flush(s_patience));
    }

    private static async Task AssertHealthyAsync(WarpProcess node) => Assert.Equal((HttpStatusCode.OK, "ok"), await GetAsync(node, "/healthz"));

    private static async Task<string> ReadyzAsync(WarpProcess node)
    {
        (HttpStatusCode status, string text) = await GetAsync(node, "/readyz");
        Assert.Equal(text == "ready", status == HttpStatusCode.OK);
        return text;
    }

    private static async Task<(HttpStatusCode Status, string Text)> GetAsync(WarpProcess node, string path)
    {
        using var http = new HttpClient();
        using HttpResponseMessage answer = await http.GetAsync(new Uri(node.Http, path), TestContext.Current.CancellationToken);
        return (answer.StatusCode, (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Trim());
    }
}

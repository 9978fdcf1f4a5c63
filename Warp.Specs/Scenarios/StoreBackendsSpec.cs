using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Chaos;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>Nodes whose records lie in an S3 server, in an Azure Blob service, and in stores that fail.</summary>
public sealed class StoreBackendsSpec
{
    private const string Topic = "stored";
    private const int Partitions = 3;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    /// <summary>The processes that tests start inherit the environment of this one, and with it the credentials.</summary>
    static StoreBackendsSpec()
    {
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", S3Server.AccessKey);
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", S3Server.SecretKey);
        Environment.SetEnvironmentVariable("AZURE_STORAGE_KEY", AzureBlobServer.Key);
    }

    [Fact]
    public async Task Records_in_S3_outlive_the_node_and_its_disk_has_none() =>
        await AssertKeptAsync((await S3Server.SharedAsync()).NewUrl());

    [Fact]
    public async Task Records_in_Azure_outlive_the_node_and_its_disk_has_none() =>
        await AssertKeptAsync((await AzureBlobServer.SharedAsync()).NewUrl());

    [Fact]
    public Task A_quorum_of_two_unreliable_stores_and_a_dead_one_loses_nothing()
    {
        int seed = TestRun.TakeSeed() % 1_000_000;
        return AssertKeptAsync(
            $"quorum:fault:seed={seed}&errors=0.1:file:one|fault:seed={seed + 1}&errors=0.1:file:two"
            + $"|s3://dead?endpoint=http://127.0.0.1:{FreePorts.Take()}");
    }

    [Theory]
    [InlineData("s3://no-such-bucket?endpoint={0}", "There is no bucket no-such-bucket")]
    [InlineData("s3://bucket?endpoint=http://127.0.0.1:1", "cannot be reached")]
    public async Task A_store_that_cannot_be_used_is_told_in_one_line_at_the_start(string url, string said)
    {
        string endpoint = (await S3Server.SharedAsync()).Endpoint.ToString();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("warp-specs-");
        var run = await WarpRun.NodeAsync(
        [
            $"warp.kafka.listen=127.0.0.1:{FreePorts.Take()}",
            $"warp.http.listen=127.0.0.1:{FreePorts.Take()}",
            $"warp.journal.url=sqlite:{Path.Combine(folder.FullName, "journal.db")}",
            "warp.store.url=" + url.Replace("{0}", endpoint, StringComparison.Ordinal),
        ]);
        folder.Delete(recursive: true);

        Assert.Equal(2, run.ExitCode);
        string line = Assert.Single(run.Errors);
        Assert.Contains("warp.store.url", line);
        Assert.Contains(said, line);
        Assert.DoesNotContain(S3Server.SecretKey, line);
    }

    private static async Task AssertKeptAsync(string url)
    {
        await using var node = await WarpProcess.StartAsync($"warp.store.url={url}");
        using (var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap }).SetLogHandler((_, _) => { }).Build())
            await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = Partitions, ReplicationFactor = 1 }]);
        var history = new History();
        await using (var load = new ProducerLoad(node.Bootstrap, Topic, Partitions, history))
        {
            await Wait.UntilAsync(
                () => history.AcknowledgedCount > 2000 || load.FatalError is not null, _patience, "two thousand acknowledgements");
            await load.StopAsync(_patience);
            Assert.Null(load.FatalError);
        }
        await node.KillAsync();
        await node.StartAgainAsync();

        var records = LogReader.ReadAll(node.Bootstrap, Topic, Partitions, TestContext.Current.CancellationToken);

        Assert.Empty(history.Check(records));
        Assert.Empty(history.Failed);
        Assert.Equal(history.AcknowledgedCount, records.Count);
        Assert.False(Directory.Exists(Path.Combine(node.Folder, "objects")));
    }
}

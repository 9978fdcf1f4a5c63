using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Chaos;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>A node whose journal is in PostgreSQL.</summary>
public sealed class PostgresJournalNodeSpec
{
    private const string Topic = "journaled";
    private const int Partitions = 3;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private static readonly Dictionary<string, string> s_environment = new()
    {
        ["WARP_JOURNAL_PASSWORD"] = PostgresServer.Password,
        ["WARP_CLUSTER_SECRET"] = "a secret of the specs",
    };

    [Fact]
    public async Task What_was_acknowledged_outlives_the_node_and_the_store_commands_wait_for_its_end()
    {
        PostgresDatabase database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        // A killed node waits for its own lease, which is 10 s.
        await using var node = await WarpProcess.StartAsync(
            s_environment, $"warp.journal.url=postgres://warp@127.0.0.1:{database.Server.Port}/{database.Name}", "warp.timing.scale=0.3");
        using (var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap }).SetLogHandler((_, _) => { }).Build())
            await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = Partitions, ReplicationFactor = 1 }]);
        var history = new History();
        await using (var load = new ProducerLoad(node.Bootstrap, Topic, Partitions, history))
        {
            await Wait.UntilAsync(
                () => history.AcknowledgedCount > 2000 || load.FatalError is not null, s_patience, "two thousand acknowledgements");
            await load.StopAsync(s_patience);
            Assert.Null(load.FatalError);
        }
        await node.KillAsync();
        await node.StartAgainAsync();

        var records = LogReader.ReadAll(node.Bootstrap, Topic, Partitions, TestContext.Current.CancellationToken);

        Assert.Empty(history.Check(records));
        Assert.Equal(history.AcknowledgedCount, records.Count);
        Assert.False(File.Exists(Path.Combine(node.Folder, "journal.db")));
        Assert.DoesNotContain($":{PostgresServer.Password}@", node.Output);
        WarpRun refused = await VerifyAsync();
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("is in use by node 1", Assert.Single(refused.Errors));
        Assert.Equal(0, await node.TerminateAsync(s_patience));
        await Wait.UntilAsync(() => VerifyAsync().Result.ExitCode == 0, s_patience, "the verification");

        Task<WarpRun> VerifyAsync() => WarpRun.CommandAsync(
            "store verify",
            $"warp.journal.url={database.Url}",
            $"warp.store.url=file:{Path.Combine(node.Folder, "objects")}",
            "warp.timing.scale=0.3");
    }

    [Theory]
    [InlineData("postgres://warp:wrong@127.0.0.1:{0}/postgres", "does not let the user warp in")]
    [InlineData("postgres://warp:wrong@127.0.0.1:1/postgres", "cannot be reached")]
    public async Task A_database_that_cannot_be_used_is_told_in_one_line_at_the_start(string url, string said)
    {
        int port = (await PostgresServer.SharedAsync()).Port;
        DirectoryInfo folder = Directory.CreateTempSubdirectory("warp-specs-");
        var run = await WarpRun.NodeAsync(
            $"warp.kafka.listen=127.0.0.1:{FreePorts.Take()}",
            $"warp.http.listen=127.0.0.1:{FreePorts.Take()}",
            "warp.rpc.listen=127.0.0.1:0",
            "warp.cluster.secret=a secret of the specs",
            "warp.journal.wait=0s",
            $"warp.store.url=file:{folder.FullName}",
            "warp.journal.url=" + url.Replace("{0}", $"{port}", StringComparison.Ordinal));
        folder.Delete(recursive: true);

        Assert.Equal(2, run.ExitCode);
        string line = Assert.Single(run.Errors);
        Assert.Contains(said, line);
        Assert.DoesNotContain(":wrong@", line);
    }
}

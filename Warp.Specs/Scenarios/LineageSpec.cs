using Confluent.Kafka;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>A node that is given a journal and a store which do not belong together says so, and changes nothing in either.</summary>
public sealed class LineageSpec(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Topic = "lineage";

    private WarpProcess _node = null!;

    private string Journal => Path.Combine(_node.Folder, "journal.db");

    private string Store => Path.Combine(_node.Folder, "objects");

    public async ValueTask InitializeAsync()
    {
        _node = await WarpProcess.StartAsync();
        await ProduceAsync("first");
        await StopAsync();
    }

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Fact]
    public async Task The_journal_was_deleted()
    {
        DeleteJournal();
        await AssertRefusedAsync();
    }

    [Theory]
    [InlineData("the node was stopped")]
    [InlineData("the node was killed")]
    public async Task An_older_copy_of_the_journal_was_put_back(string end)
    {
        string backup = Path.Combine(_node.Folder, "backup");
        File.Copy(Journal, backup);
        await _node.StartAgainAsync();
        await ProduceAsync("second");
        if (end == "the node was killed")
            await _node.KillAsync();
        else
            await StopAsync();
        string latest = Path.Combine(_node.Folder, "latest");
        Directory.CreateDirectory(latest);
        foreach (string file in Directory.GetFiles(_node.Folder, "journal.db*"))
            File.Move(file, Path.Combine(latest, Path.GetFileName(file)));
        File.Move(backup, Journal);
        await AssertRefusedAsync();

        // With the latest one back all is well: nothing was spoilt meanwhile.
        DeleteJournal();
        foreach (string file in Directory.GetFiles(latest))
            File.Move(file, Path.Combine(_node.Folder, Path.GetFileName(file)));
        await _node.StartAgainAsync();
        Assert.Equal(["first", "second"], Consume(2));
    }

    [Fact]
    public async Task The_store_was_emptied()
    {
        Directory.Delete(Store, recursive: true);
        await AssertRefusedAsync();
    }

    [Fact]
    public async Task An_older_copy_of_the_store_was_put_back()
    {
        string backup = Path.Combine(_node.Folder, "backup");
        FolderPrint.Copy(Store, backup);
        await _node.StartAgainAsync();
        await ProduceAsync("second");
        await StopAsync();
        Directory.Delete(Store, recursive: true);
        Directory.Move(backup, Store);
        await AssertRefusedAsync();
    }

    [Fact]
    public async Task The_journal_is_another_clusters()
    {
        await using var other = await WarpProcess.StartAsync();
        Assert.Equal(0, await other.TerminateAsync(TimeSpan.FromSeconds(10)));
        DeleteJournal();
        File.Copy(Path.Combine(other.Folder, "journal.db"), Journal);
        await AssertRefusedAsync();
    }

    [Fact]
    public async Task Another_node_has_the_journal_open()
    {
        await _node.StartAgainAsync();
        var run = await RunAsync();
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(Journal, Assert.Single(run.Errors), StringComparison.Ordinal);
        Assert.Contains("in use", run.Errors[0], StringComparison.Ordinal);
        output.WriteLine(run.Errors[0]);

        await ProduceAsync("second");
        Assert.Equal(["first", "second"], Consume(2));
        Assert.DoesNotContain(" warn: ", _node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" fail: ", _node.Output, StringComparison.Ordinal);
        await StopAsync();
    }

    private async Task AssertRefusedAsync()
    {
        var before = FolderPrint.Of(_node.Folder);
        var run = await RunAsync();
        output.WriteLine(string.Join('\n', run.Errors));
        Assert.Equal(2, run.ExitCode);
        string line = Assert.Single(run.Errors);
        Assert.Contains(Journal, line, StringComparison.Ordinal);
        Assert.Contains(Store, line, StringComparison.Ordinal);
        Assert.Empty(run.Output);
        Assert.Equal(before, FolderPrint.Of(_node.Folder));
    }

    private Task<WarpRun> RunAsync() => WarpRun.NodeAsync(
        $"warp.kafka.listen=127.0.0.1:{FreePorts.Take()}",
        $"warp.http.listen=127.0.0.1:{FreePorts.Take()}",
        $"warp.journal.url=sqlite:{Journal}",
        $"warp.store.url=file:{Store}");

    private void DeleteJournal()
    {
        foreach (string file in Directory.GetFiles(_node.Folder, "journal.db*"))
            File.Delete(file);
    }

    private async Task StopAsync() => Assert.Equal(0, await _node.TerminateAsync(TimeSpan.FromSeconds(10)));

    private async Task ProduceAsync(string value)
    {
        using var producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = _node.Bootstrap }).Build();
        await producer.ProduceAsync(Topic, new() { Value = value }, TestContext.Current.CancellationToken);
    }

    private List<string> Consume(int count)
    {
        var config = new ConsumerConfig { BootstrapServers = _node.Bootstrap, GroupId = "lineage" };
        using var consumer = new ConsumerBuilder<Null, string>(config).Build();
        consumer.Assign(new TopicPartitionOffset(Topic, 0, Offset.Beginning));
        return [.. Enumerable.Range(0, count).Select(_ => consumer.Consume(TestContext.Current.CancellationToken).Message.Value)];
    }
}

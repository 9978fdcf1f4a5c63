using System.Net;
using System.Net.Sockets;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>What an operator sees who has made a mistake: one line that names it, and exit code 2.</summary>
public sealed class StartupErrorsSpec(ITestOutputHelper output) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("warp-specs-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("warp.flush.intervall=1s", "warp.flush.intervall", "warp.flush.interval")]
    [InlineData("warp.flush.interval=soon", "warp.flush.interval", "soon")]
    [InlineData("warp.flush.size=many", "warp.flush.size", "many")]
    [InlineData("warp.kafka.listen=9092", "warp.kafka.listen", "9092")]
    [InlineData("warp.kafka.listen=192.0.2.1:9092", "warp.kafka.listen", "192.0.2.1:9092")]
    [InlineData("warp.topic.defaults.no.such.config=1", "warp.topic.defaults", "no.such.config")]
    [InlineData("warp.topic.defaults.retention.ms=forever", "warp.topic.defaults", "retention.ms")]
    [InlineData("warp.timing.lease=1s", "lease")]
    [InlineData("warp.store.url=s3:bucket", "warp.store.url", "s3:bucket")]
    [InlineData("warp.journal.url=postgres://host/db", "warp.journal.url", "postgres")]
    [InlineData("warp.store.url=file:/proc/warp/objects", "warp.store.url", "/proc/warp/objects")]
    [InlineData("warp.journal.url=sqlite:/proc/warp/journal.db", "/proc/warp/journal.db")]
    public Task A_setting_that_cannot_be_used(string setting, params string[] named) => AssertRefusedAsync(named, setting);

    [Theory]
    [InlineData("warp.kafka.listen")]
    [InlineData("warp.http.listen")]
    public async Task A_port_that_is_taken(string key)
    {
        using var other = new TcpListener(IPAddress.Loopback, FreePorts.Take());
        other.Start();
        string address = $"127.0.0.1:{((IPEndPoint)other.LocalEndpoint).Port}";
        await AssertRefusedAsync([key, address], $"{key}={address}");
        Assert.Empty(_folder.GetFileSystemInfos());
    }

    [Fact]
    public async Task A_journal_that_is_none()
    {
        string path = Path.Combine(_folder.FullName, "journal.db");
        string text = string.Concat(Enumerable.Repeat("these are my notes\n", 100));
        await File.WriteAllTextAsync(path, text, TestContext.Current.CancellationToken);
        await AssertRefusedAsync([path]);
        Assert.Equal(text, await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    private async Task AssertRefusedAsync(string[] named, params string[] settings)
    {
        var run = await WarpRun.NodeAsync(
        [
            $"warp.kafka.listen=127.0.0.1:{FreePorts.Take()}",
            $"warp.http.listen=127.0.0.1:{FreePorts.Take()}",
            $"warp.journal.url=sqlite:{Path.Combine(_folder.FullName, "journal.db")}",
            $"warp.store.url=file:{Path.Combine(_folder.FullName, "objects")}",
            .. settings,
        ]);
        output.WriteLine(string.Join('\n', run.Errors));
        Assert.Equal(2, run.ExitCode);
        string line = Assert.Single(run.Errors);
        Assert.All(named, name => Assert.Contains(name, line, StringComparison.Ordinal));
        Assert.Empty(run.Output);
    }
}

using Xunit;

namespace Warp.Specs.Hosting;

[Collection(nameof(NodeProcesses))]
public sealed class WarpProcessSpec
{
    private static readonly TimeSpan _drain = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_node_becomes_ready_has_metrics_and_ends_with_0_on_SIGTERM()
    {
        await using var node = await WarpProcess.StartAsync();
        Assert.NotEmpty(await node.MetricsAsync());
        Assert.Equal(0, await node.TerminateAsync(_drain));
    }

    [Fact]
    public async Task A_killed_node_starts_again_on_its_ports_and_folder()
    {
        await using var node = await WarpProcess.StartAsync();
        await node.KillAsync();
        await Assert.ThrowsAsync<HttpRequestException>(node.MetricsAsync);
        await node.StartAgainAsync();
        Assert.NotEmpty(await node.MetricsAsync());
    }

    [Fact]
    public async Task A_paused_node_answers_after_it_is_resumed()
    {
        await using var node = await WarpProcess.StartAsync();
        node.Pause();
        var metrics = node.MetricsAsync();
        var soon = TimeSpan.FromMilliseconds(500);
        await Assert.ThrowsAsync<TimeoutException>(() => metrics.WaitAsync(soon, TestContext.Current.CancellationToken));
        node.Resume();
        Assert.NotEmpty(await metrics);
    }

    [Fact]
    public async Task A_node_that_cannot_start_says_why()
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => WarpProcess.StartAsync("warp.no.such.key=1"));
        Assert.Contains("ended with 2", failure.Message, StringComparison.Ordinal);
        Assert.Contains("warp.no.such.key", failure.Message, StringComparison.Ordinal);
    }
}

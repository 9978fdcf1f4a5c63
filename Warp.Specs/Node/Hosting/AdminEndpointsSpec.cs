using System.Net;
using Warp.Actors.Maintenance;
using Warp.Node.Configuration;
using Warp.Node.Hosting;
using Warp.Specs.Actors;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Hosting;

public sealed class AdminEndpointsSpec : IAsyncLifetime
{
    private readonly NodeMetrics _metrics = new(TimeProvider.System, "1");
    private readonly NodeHealth _health = new();
    private readonly HttpClient _http = new();
    private AdminEndpoints _endpoints = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _endpoints = await StartAsync(new HostPort("127.0.0.1", 0));
        _http.BaseAddress = new Uri($"http://{_endpoints.Address}");
    }

    public async ValueTask DisposeAsync()
    {
        await _endpoints.DisposeAsync();
        _http.Dispose();
        _metrics.Dispose();
    }

    [Fact]
    public async Task Metrics_are_Prometheus_text()
    {
        _metrics.Meter.CreateCounter<long>("warp.flush.flushes").Add(7);
        using HttpResponseMessage answer = await _http.GetAsync("/metrics", Cancellation);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        Dictionary<string, double> samples = PrometheusText.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(7, samples["warp_flush_flushes_total"]);
        Assert.Equal(1, samples["warp_build_info{version=\"1\"}"]);
    }

    [Fact]
    public async Task A_node_is_healthy_before_it_is_ready()
    {
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await GetAsync("/healthz"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "starting\n"), await GetAsync("/readyz"));
        _health.Ready();
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await GetAsync("/readyz"));
        _health.NotReady("draining");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "draining\n"), await GetAsync("/readyz"));
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await GetAsync("/healthz"));
    }

    [Fact]
    public async Task A_failed_node_says_why_and_stays_failed()
    {
        _health.Failed("the journal is gone");
        _health.Failed("and more");
        _health.Ready();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "the journal is gone\n"), await GetAsync("/healthz"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "the journal is gone\n"), await GetAsync("/readyz"));
    }

    [Fact]
    public async Task Readiness_names_each_part_that_is_not_ready()
    {
        string? store = "store: unavailable";
        string? draining = null;
        _health.Watch(() => draining);
        _health.Watch(() => store);
        _health.Ready();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "store: unavailable\n"), await GetAsync("/readyz"));
        draining = "draining";
        _health.NotReady("draining");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "draining\nstore: unavailable\n"), await GetAsync("/readyz"));
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await GetAsync("/healthz"));
        (store, draining) = (null, null);
        _health.Ready();
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await GetAsync("/readyz"));
    }

    [Fact]
    public async Task Commands_of_operators_are_answered_with_json_and_changes_are_not_for_web_pages()
    {
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "{\"error\":\"The node is starting.\"}\n"), await GetAsync("/admin/cluster"));
        Assert.Equal(
            (HttpStatusCode.NotFound, "{\"error\":\"This version of Warp knows no GET /admin/cluster/drain.\"}\n"),
            await GetAsync("/admin/cluster/drain"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/admin/cluster/drain?node=1");
        request.Headers.Add("Origin", "http://example.com");
        using HttpResponseMessage answer = await _http.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/metrics/")]
    [InlineData("/nothing%20here?x=1")]
    public async Task Anything_else_is_a_short_404(string path)
    {
        (HttpStatusCode status, string text) = await GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.InRange(text.Length, 1, 200);
    }

    [Fact]
    public async Task Nothing_can_be_posted()
    {
        using var content = new StringContent("x");
        using HttpResponseMessage answer = await _http.PostAsync("/metrics", content, Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task Compaction_is_answered_by_its_planner_and_steered_by_posts_alone()
    {
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "the node is starting\n"), await GetAsync("/compaction"));
        await using JournaledNode node = await JournaledNode.StartAsync();
        var settings = new CompactionPlannerSettings(TimeSpan.FromHours(1), 32, 128 << 20, 1 << 30);
        _endpoints.Compaction.Serve(node.System.Spawn(
            CompactionPlanner.Name, () => new CompactionPlanner(node.Services, node.Region, settings, new Random(1))));

        Assert.Contains("\"isPaused\": false", (await GetAsync("/compaction")).Text);
        Assert.Contains("\"isPaused\": true", await PostAsync("/compaction/pause"));
        Assert.Contains("\"isPaused\": true", (await GetAsync("/compaction")).Text);
        Assert.Contains("\"lastLookAt\": \"2", await PostAsync("/compaction/run"));
        Assert.Contains("\"isPaused\": false", await PostAsync("/compaction/resume"));
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync("/compaction/pause")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync("/compaction/")).Status);

        async Task<string> PostAsync(string path)
        {
            using HttpResponseMessage answer = await _http.PostAsync(path, null, Cancellation);
            Assert.Equal("application/json", answer.Content.Headers.ContentType!.ToString());
            return await answer.Content.ReadAsStringAsync(Cancellation);
        }
    }

    [Fact]
    public async Task A_taken_port_is_one_clear_line()
    {
        var failure = await Assert.ThrowsAsync<ConfigurationException>(() => StartAsync(_endpoints.Address));
        Assert.Equal($"warp.http.listen: cannot listen on {_endpoints.Address}: the port is taken", Assert.Single(failure.Problems).Line);
    }

    [Fact]
    public async Task An_address_of_another_machine_is_one_clear_line()
    {
        var failure = await Assert.ThrowsAsync<ConfigurationException>(() => StartAsync(new HostPort("192.0.2.1", FreePorts.Take())));
        Assert.StartsWith("warp.http.listen: cannot listen on 192.0.2.1:", Assert.Single(failure.Problems).Line);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("0.0.0.0")]
    public async Task A_name_or_a_wildcard_can_be_listened_on(string host)
    {
        await using AdminEndpoints endpoints = await StartAsync(new HostPort(host, 0));
        Assert.Equal(host, endpoints.Address.Host);
        Assert.Equal("ok\n", await _http.GetStringAsync($"http://127.0.0.1:{endpoints.Address.Port}/healthz", Cancellation));
    }

    [Fact]
    public async Task The_port_is_free_again_when_the_endpoints_are_closed()
    {
        AdminEndpoints first = await StartAsync(new HostPort("127.0.0.1", 0));
        await _http.GetStringAsync($"http://{first.Address}/healthz", Cancellation);
        await first.DisposeAsync();
        await using AdminEndpoints second = await StartAsync(first.Address);
        Assert.Equal(first.Address, second.Address);
    }

    private Task<AdminEndpoints> StartAsync(HostPort address) =>
        AdminEndpoints.StartAsync(new HttpOptions(address), _metrics, _health, Cancellation);

    private async Task<(HttpStatusCode Status, string Text)> GetAsync(string path)
    {
        using HttpResponseMessage answer = await _http.GetAsync(path, Cancellation);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
    }
}

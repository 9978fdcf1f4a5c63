using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Warp.Node.Configuration;
using Warp.Node.Network;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Node.Network;

/// <summary>How a listener begins and ends.</summary>
public sealed class KafkaListenerSpec
{
    private const short Version = 9;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_taken_port_is_a_problem_of_the_configuration_that_names_key_and_address()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        int port = ((IPEndPoint)other.LocalEndpoint).Port;
        await using KafkaListener listener = Listener(new HostPort("127.0.0.1", port));
        var error = Assert.Throws<ConfigurationException>(listener.Bind);
        Assert.Contains("warp.kafka.listen", error.Message, StringComparison.Ordinal);
        Assert.Contains($"127.0.0.1:{port}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("no-such-host.invalid")]
    public async Task An_address_of_another_machine_is_a_problem_of_the_configuration(string host)
    {
        await using KafkaListener listener = Listener(new HostPort(host, 0));
        Assert.Contains("warp.kafka.listen", Assert.Throws<ConfigurationException>(listener.Bind).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_name_can_be_listened_on()
    {
        await using KafkaListener listener = Listener(new HostPort("localhost", 0));
        listener.Bind();
        Assert.InRange(listener.BoundPort, 1, 65535);
    }

    [Fact]
    public async Task Draining_answers_what_was_received_and_takes_nothing_more()
    {
        var answer = new TaskCompletionSource<IResponse?>(TaskCreationOptions.RunContinuationsAsynchronously);
        int started = 0;
        await using var listener = new TestListener([new DelegateHandler<MetadataRequest>(ApiKey.Metadata, (_, _) =>
        {
            Interlocked.Increment(ref started);
            return new ValueTask<IResponse?>(answer.Task);
        })]);
        using RawClient busy = await listener.ConnectAsync();
        using RawClient idle = await listener.ConnectAsync();
        using RawClient halfway = await listener.ConnectAsync();
        byte[] request = RawClient.Frame(1, new MetadataRequest(), Version);
        await busy.SendAsync(request);
        await halfway.SendAsync(request[..9]);
        await TestListener.UntilAsync(() => started == 1 && listener.Listener.ConnectionCount == 3, "the connections");

        Task drained = listener.Listener.DrainAsync(s_patience);
        Assert.True(await idle.IsClosedAsync());
        Assert.True(await halfway.IsClosedAsync());
        await busy.SendAsync(RawClient.Frame(2, new MetadataRequest(), Version));
        answer.SetResult(new MetadataResponse());
        Assert.Equal(1, (await busy.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, Version)).CorrelationId);
        Assert.True(await busy.IsClosedAsync());
        foreach (RawClient client in new[] { busy, idle, halfway })
            client.Dispose();
        await drained;
        Assert.Equal(1, started);
        await TestListener.UntilAsync(() => listener.Listener.ConnectionCount == 0, "the connections to be forgotten");
        await Assert.ThrowsAnyAsync<SocketException>(() => RawClient.ConnectAsync(listener.Listener.BoundPort));
    }

    [Fact]
    public async Task Draining_ends_at_its_deadline_whatever_is_pending()
    {
        int started = 0;
        await using var listener = new TestListener([new DelegateHandler<MetadataRequest>(ApiKey.Metadata, async (context, _) =>
        {
            Interlocked.Increment(ref started);
            await Task.Delay(Timeout.InfiniteTimeSpan, context.ConnectionClosed);
            return null;
        })]);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(RawClient.Frame(1, new MetadataRequest(), Version));
        await TestListener.UntilAsync(() => started == 1, "the request to be in flight");
        await listener.Listener.DrainAsync(TimeSpan.FromMilliseconds(100));
        Assert.True(await client.IsClosedAsync());
    }

    [Fact]
    public async Task What_happens_is_measured()
    {
        await using var listener = new TestListener([TestListener.Echo()]);
        using RawClient client = await listener.ConnectAsync();
        byte[] request = RawClient.Frame(1, new MetadataRequest(), Version);
        await client.SendAsync(request);
        byte[]? answer = await client.ReceiveFrameAsync();
        Assert.NotNull(answer);
        await TestListener.UntilAsync(() => listener.Metrics["warp.kafka.sent"] == answer.Length + 4, "the response to be counted");
        Assert.Equal(request.Length, listener.Metrics["warp.kafka.received"]);
        Assert.Equal(1, listener.Metrics["warp.kafka.requests", "Metadata"]);
        Assert.True(listener.Metrics["warp.kafka.request.duration", "Metadata"] > 0);
        Assert.Equal(1, listener.Metrics["warp.kafka.connections"]);
    }

    private static KafkaListener Listener(HostPort address) => new(
        address,
        TestListener.Limits(),
        new BufferBudget(1 << 20),
        new KafkaMetrics(new Meter("test")),
        TimeProvider.System,
        NullLoggerFactory.Instance);
}

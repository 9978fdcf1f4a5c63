using Confluent.Kafka;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>A node, and a client of it that behaves well while others do their worst.</summary>
internal sealed class Bystander : IAsyncDisposable
{
    /// <summary>The topic, of one partition, that it writes to.</summary>
    public const string Topic = "bystander";

    private const double MaxResidentBytes = 700e6;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private readonly IProducer<Null, string> _producer;
    private readonly MemoryWatch _memory;

    private Bystander(WarpProcess node)
    {
        Node = node;
        var config = new ProducerConfig { BootstrapServers = node.Bootstrap, EnableIdempotence = true };
        _producer = new ProducerBuilder<Null, string>(config).SetLogHandler(static (_, _) => { }).Build();
        _memory = new MemoryWatch(node);
    }

    public WarpProcess Node { get; }

    /// <summary>Starts the node, and writes a first record.</summary>
    public static async Task<Bystander> StartAsync()
    {
        var bystander = new Bystander(await WarpProcess.StartAsync());
        await bystander.ProduceAsync();
        return bystander;
    }

    public Task<KafkaSocket> ConnectAsync() => KafkaSocket.ConnectAsync(Node.Bootstrap);

    /// <summary>The client is served as ever, by a node that has not taken much memory and has nothing to complain about.</summary>
    public async Task AssertUnimpressedAsync(ITestOutputHelper output)
    {
        await ProduceAsync();
        output.WriteLine($"memory {_memory}");
        Assert.InRange(_memory.HighestBytes, 1, MaxResidentBytes);
        Assert.DoesNotContain(" fail: ", Node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" warn: ", Node.Output, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        _memory.Dispose();
        _producer.Dispose();
        await Node.DisposeAsync();
    }

    private Task ProduceAsync() =>
        _producer.ProduceAsync(Topic, new() { Value = "calm" }, TestContext.Current.CancellationToken).WaitAsync(_patience);
}

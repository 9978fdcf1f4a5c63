using System.Diagnostics.Metrics;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;

namespace Warp.Specs.Actors.Cluster.Peers;

/// <summary>One node as others see it: a listener with the handlers of a test, and a network to call from.</summary>
internal sealed class TestPeer : IAsyncDisposable
{
    public const string ClusterId = "a-cluster-id-of-22-char";
    public const string Secret = "a secret that all nodes know";

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Meter _meter = new("test");

    public TestPeer(
        int nodeId,
        IEnumerable<IPeerHandler>? handlers = null,
        Func<PeerSettings, PeerSettings>? change = null,
        string clusterId = ClusterId,
        long incarnation = 1,
        TaskScheduler? scheduler = null)
    {
        Log = new LogLines();
        Sums = new MetricSums(_meter);
        System = new ActorSystem(TimeProvider.System, new Random(nodeId), scheduler, Log);
        var settings = new PeerSettings { Secret = Secret };
        Settings = change?.Invoke(settings) ?? settings;
        Identity = new PeerIdentity(clusterId, new NodeIncarnation(nodeId, incarnation), FeatureLevel: 3);
        var metrics = new PeerMetrics(_meter);
        Listener = new PeerListener("127.0.0.1", 0, System, Settings, metrics);
        Listener.Bind();
        Listener.Start(Identity, handlers ?? [Echo()]);
        Network = new PeerNetwork(System, Identity, Settings, metrics);
    }

    public LogLines Log { get; }

    public MetricSums Sums { get; }

    public ActorSystem System { get; }

    public PeerSettings Settings { get; }

    public PeerIdentity Identity { get; }

    /// <summary>What is measured here.</summary>
    public Meter Meter => _meter;

    public PeerListener Listener { get; }

    public PeerNetwork Network { get; }

    public PeerAddress Address => AddressAt(Listener.BoundPort);

    /// <summary>Answers with a chunk whose only byte is its number.</summary>
    public static IPeerHandler Echo() => Handler((request, _) => ValueTask.FromResult<IResponse>(Chunk((byte)request.ChunkNumber)));

    public static IPeerHandler Handler(Func<ReadChunkRequest, PeerContext, ValueTask<IResponse>> handle) =>
        new DelegatePeerHandler<ReadChunkRequest>(PrivateApis.ReadChunk, handle);

    public static ReadChunkResponse Chunk(params byte[] bytes) => new() { Data = new RecordSet(bytes) };

    public static Task UntilAsync(Func<bool> condition, string what) => Wait.UntilAsync(condition, Patience, what);

    /// <summary>This node, through a proxy.</summary>
    public PeerAddress AddressAt(int port) => new("127.0.0.1", port, Identity.Node);

    /// <summary>Asks for a chunk; its first byte.</summary>
    public Task<int> CallAsync(PeerAddress peer, int number, TimeSpan? deadline = null) =>
        CallUntilAsync(peer, number, deadline ?? Patience, CancellationToken.None);

    /// <summary>The same, until it is cancelled.</summary>
    public async Task<int> CallUntilAsync(PeerAddress peer, int number, TimeSpan deadline, CancellationToken giveUp)
    {
        using ReadChunkResponse response = await Network.CallAsync<ReadChunkResponse>(
            peer, new ReadChunkRequest { ChunkNumber = number }, deadline, giveUp);
        return response.Data.Memory.Span[0];
    }

    public async ValueTask DisposeAsync()
    {
        await Network.DisposeAsync();
        await Listener.DisposeAsync();
        await System.DisposeAsync();
        Sums.Dispose();
        _meter.Dispose();
    }
}

/// <summary>A handler that is a function.</summary>
internal sealed class DelegatePeerHandler<TRequest>(ApiKey key, Func<TRequest, PeerContext, ValueTask<IResponse>> handle) : IPeerHandler
    where TRequest : IRequest
{
    public ApiKey ApiKey => key;

    public ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context) => handle((TRequest)request, context);
}

using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Warp.Node.Configuration;
using Warp.Node.Handlers;
using Warp.Node.Network;
using Warp.Node.Quotas;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Network;

/// <summary>A listener on a free port with the handlers of a test. Its end checks that every buffer has come back.</summary>
internal sealed class TestListener : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly Meter _meter = new("test");

    public TestListener(
        IEnumerable<ApiHandler> handlers,
        LimitsOptions? limits = null,
        TimeProvider? time = null,
        long recordsBytes = 64 << 20,
        RequestThrottle? throttle = null)
    {
        Metrics = new MetricSums(_meter);
        Records = new BufferBudget(recordsBytes);
        Listener = new KafkaListener(
            new HostPort("127.0.0.1", 0), limits ?? Limits(), Records, new KafkaMetrics(_meter), time ?? TimeProvider.System, Log);
        Listener.Bind();
        Listener.Start(new ApiDispatcher(handlers), throttle);
    }

    public KafkaListener Listener { get; }

    public BufferBudget Records { get; }

    public MetricSums Metrics { get; }

    public CapturedLog Log { get; } = new();

    public static LimitsOptions Limits(int requestSizeBytes = 100 << 20, int requestsInFlight = 64, TimeSpan? idle = null) =>
        new(requestSizeBytes, requestsInFlight, idle ?? TimeSpan.FromDays(1), 0, 0);

    /// <summary>Answers Metadata with the first topic's name as the cluster's id.</summary>
    public static ApiHandler Echo() => new DelegateHandler<MetadataRequest>(
        ApiKey.Metadata,
        static (_, request) => ValueTask.FromResult<IResponse?>(
            new MetadataResponse { ClusterId = request.Topics is [var first, ..] ? first.Name : null }));

    public Task<RawClient> ConnectAsync() => RawClient.ConnectAsync(Listener.BoundPort);

    public static Task UntilAsync(Func<bool> condition, string what) => Wait.UntilAsync(condition, s_patience, what);

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync();
        await UntilAsync(() => Listener.ConnectionCount == 0, "all connections to end");
        Assert.Equal(0, Listener.BufferedBytes);
        Assert.Equal(0, Metrics["warp.kafka.connections"]);
        Metrics.Dispose();
        _meter.Dispose();
    }
}

/// <summary>Keeps what was logged at error or above.</summary>
internal sealed class CapturedLog : ILoggerFactory, ILogger
{
    private readonly List<string> _errors = [];

    public IReadOnlyList<string> Errors
    {
        get
        {
            lock (_errors)
                return [.. _errors];
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        lock (_errors)
            _errors.Add($"{formatter(state, exception)}: {exception?.Message}");
    }

    public void Dispose()
    {
    }
}

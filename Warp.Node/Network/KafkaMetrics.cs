using System.Diagnostics.Metrics;
using Warp.Node.Quotas;

namespace Warp.Node.Network;

/// <summary>What is measured of the Kafka connections. Thread-safe.</summary>
public sealed class KafkaMetrics
{
    private readonly Meter _meter;
    private readonly UpDownCounter<int> _connections;
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _received;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _rejected;
    private readonly Histogram<double> _pauses;

    /// <param name="meter">The node's own; whoever made it disposes it.</param>
    public KafkaMetrics(Meter meter)
    {
        _meter = meter;
        _connections = _meter.CreateUpDownCounter<int>("warp.kafka.connections", "{connection}", "Open connections");
        _requests = _meter.CreateCounter<long>("warp.kafka.requests", "{request}", "Requests that a handler has dealt with, by api");
        _duration = _meter.CreateHistogram<double>(
            "warp.kafka.request.duration", "s", "From a request's last byte to its response being ready, for Produce in its turn, by api");
        _received = _meter.CreateCounter<long>("warp.kafka.received", "By", "Bytes received");
        _sent = _meter.CreateCounter<long>("warp.kafka.sent", "By", "Bytes sent");
        _pauses = _meter.CreateHistogram<double>(
            "warp.kafka.throttle.duration", "s", "For how long connections were not read because of a quota, by quota");
        _rejected = _meter.CreateCounter<long>("warp.kafka.rejected", "{frame}", "Frames that closed their connection, by reason");
    }

    internal void Observe(BufferBudget records, BufferBudget others) => _meter.CreateObservableGauge(
        "warp.kafka.buffers.used",
        () => new Measurement<long>[]
        {
            new(records.UsedBytes, new KeyValuePair<string, object?>("kind", "produce")),
            new(others.UsedBytes, new KeyValuePair<string, object?>("kind", "other")),
        },
        "By",
        "Bytes of requests that are held");

    internal void Opened() => _connections.Add(1);

    internal void Closed() => _connections.Add(-1);

    internal void Received(int bytes) => _received.Add(bytes);

    internal void Sent(int bytes) => _sent.Add(bytes);

    internal void Rejected(string reason) => _rejected.Add(1, new KeyValuePair<string, object?>("reason", reason));

    internal void Throttled(Pause pause) =>
        _pauses.Record(pause.Milliseconds / 1000.0, new KeyValuePair<string, object?>("quota", pause.Quota));

    internal void Served(string api, TimeSpan duration)
    {
        var tag = new KeyValuePair<string, object?>("api", api);
        _requests.Add(1, tag);
        _duration.Record(duration.TotalSeconds, tag);
    }
}

using System.Diagnostics.Metrics;
using Warp.Actors.Persistence;

namespace Warp.Actors.Cluster.Peers;

/// <summary>What is measured between nodes. Thread-safe.</summary>
public sealed class PeerMetrics
{
    private readonly UpDownCounter<int> _connections;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _errors;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _served;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _received;
    private readonly Counter<long> _sent;

    /// <param name="meter">The node's own; whoever made it disposes it.</param>
    public PeerMetrics(Meter meter)
    {
        _connections = meter.CreateUpDownCounter<int>(
            "warp.rpc.connections", "{connection}", "Open connections with other nodes, by peer and direction");
        _requests = meter.CreateCounter<long>("warp.rpc.requests", "{request}", "Calls to other nodes that have ended, by api");
        _errors = meter.CreateCounter<long>("warp.rpc.errors", "{request}", "Calls to other nodes without a response, by api and reason");
        _duration = meter.CreateHistogram<double>("warp.rpc.request.duration", "s", "From a call to its response, by api; no long polls");
        _served = meter.CreateHistogram<double>(
            "warp.rpc.served.duration", "s", "From another node's request to its response, by api; no long polls");
        _refused = meter.CreateCounter<long>("warp.rpc.refused", "{connection}", "Connections that failed in their handshake, by reason");
        _received = meter.CreateCounter<long>("warp.rpc.received", "By", "Bytes received from other nodes");
        _sent = meter.CreateCounter<long>("warp.rpc.sent", "By", "Bytes sent to other nodes");
    }

    internal void Opened(NodeIncarnation peer, bool isOutgoing) => Count(peer, isOutgoing, 1);

    internal void Closed(NodeIncarnation peer, bool isOutgoing) => Count(peer, isOutgoing, -1);

    internal void Received(int bytes) => _received.Add(bytes);

    internal void Sent(int bytes) => _sent.Add(bytes);

    internal void Refused(PeerRefusal refusal) => _refused.Add(1, new KeyValuePair<string, object?>("reason", refusal.ToString()));

    internal void Called(string api, TimeSpan? duration)
    {
        var tag = new KeyValuePair<string, object?>("api", api);
        _requests.Add(1, tag);
        if (duration is { } time)
            _duration.Record(time.TotalSeconds, tag);
    }

    internal void Failed(string api, string reason) =>
        _errors.Add(1, new KeyValuePair<string, object?>("api", api), new KeyValuePair<string, object?>("reason", reason));

    internal void Served(string api, TimeSpan duration) =>
        _served.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("api", api));

    /// <summary>By the node's id alone: its lives would be series without end.</summary>
    private void Count(NodeIncarnation peer, bool isOutgoing, int change) => _connections.Add(
        change,
        new KeyValuePair<string, object?>("peer", peer.NodeId),
        new KeyValuePair<string, object?>("direction", isOutgoing ? "out" : "in"));
}

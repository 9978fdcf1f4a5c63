using System.Net;

namespace Warp.Load.Broker;

/// <summary>A broker that somebody else runs.</summary>
/// <param name="bootstrap">Its address.</param>
/// <param name="metrics">
/// Its metrics, as <c>http://host:port</c> with or without <c>/metrics</c>; null when it is no Warp, or cannot be asked.
/// </param>
public sealed class RunningBroker(DnsEndPoint bootstrap, Uri? metrics) : IBroker, IDisposable
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };

    public DnsEndPoint Bootstrap => bootstrap;

    public long? PeakResidentBytes => null;

    public async Task<BrokerCounters?> ReadCountersAsync() =>
        metrics is null ? null : BrokerCounters.Read(PrometheusSamples.Parse(await _http.GetStringAsync(new Uri(metrics, "/metrics"))));

    public void Dispose() => _http.Dispose();
}

using System.Net;

namespace Warp.Load.Broker;

/// <summary>A broker that somebody else runs.</summary>
/// <param name="bootstrap">Its address.</param>
/// <param name="metrics">
/// Its metrics, as <c>http://host:port</c> with or without <c>/metrics</c>; null when it is no Warp, or cannot be asked.
/// </param>
public sealed class RunningBroker(DnsEndPoint bootstrap, Uri? metrics) : IBroker, IDisposable
{
    /// <summary>By this its metrics are known as those of a Warp node.</summary>
    private const string WarpSeries = "warp_build_info";

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };

    public DnsEndPoint Bootstrap => bootstrap;

    public long? PeakResidentBytes => null;

    /// <exception cref="HttpRequestException">Nobody answers there, or not with metrics.</exception>
    /// <exception cref="TaskCanceledException">There is no answer within 10 s.</exception>
    /// <exception cref="InvalidDataException">The metrics are not those of a Warp node.</exception>
    public async Task<BrokerCounters?> ReadCountersAsync()
    {
        if (metrics is null)
            return null;
        var samples = PrometheusSamples.Parse(await _http.GetStringAsync(new Uri(metrics, "/metrics")));
        return samples.Has(WarpSeries) ? BrokerCounters.Read(samples) : throw new InvalidDataException($"there is no {WarpSeries}");
    }

    public void Dispose() => _http.Dispose();
}

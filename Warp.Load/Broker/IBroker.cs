using System.Net;

namespace Warp.Load.Broker;

/// <summary>A broker under load.</summary>
public interface IBroker
{
    /// <summary>Where Kafka clients connect.</summary>
    DnsEndPoint Bootstrap { get; }

    /// <summary>What it tells of itself, or null if there is no way to ask.</summary>
    Task<BrokerCounters?> ReadCountersAsync();

    /// <summary>The most memory that it has had in RAM so far, if that is known; bytes.</summary>
    long? PeakResidentBytes { get; }
}

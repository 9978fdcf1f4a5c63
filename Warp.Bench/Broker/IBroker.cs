using Warp.Node.Configuration;

namespace Warp.Bench.Broker;

/// <summary>A broker under load.</summary>
public interface IBroker
{
    /// <summary>Where Kafka clients connect.</summary>
    HostPort Bootstrap { get; }

    /// <summary>What it tells of itself, or null if there is no way to ask.</summary>
    Task<BrokerCounters?> ReadCountersAsync();

    /// <summary>The most memory that it has had in RAM so far, if that is known; bytes.</summary>
    long? PeakResidentBytes { get; }
}

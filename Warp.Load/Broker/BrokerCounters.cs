namespace Warp.Load.Broker;

/// <summary>What a Warp broker tells of itself at one moment; everything but the memory has been counted since its start.</summary>
public sealed record BrokerCounters
{
    public double CpuSeconds { get; init; }

    public double AllocatedBytes { get; init; }

    public double ResidentBytes { get; init; }

    public double GcPauseSeconds { get; init; }

    public double Collections { get; init; }

    public double Puts { get; init; }

    public double Gets { get; init; }

    /// <summary>Requests to the store of any other kind: head, list, delete, and those of multipart uploads.</summary>
    public double OtherStoreRequests { get; init; }

    public double PutBytes { get; init; }

    public double GetBytes { get; init; }

    /// <summary>Everything that the process has written to disks: objects, and the journal with what it writes twice.</summary>
    public double WrittenBytes { get; init; }

    public double Requests { get; init; }

    /// <summary>Reads them from a broker's <c>/metrics</c>.</summary>
    public static BrokerCounters Read(PrometheusSamples samples)
    {
        double puts = samples["warp_store_requests_total{operation=\"put\"}"];
        double gets = samples["warp_store_requests_total{operation=\"get\"}"];
        return new BrokerCounters
        {
            CpuSeconds = samples["process_cpu_seconds_total"],
            AllocatedBytes = samples["dotnet_gc_allocated_bytes_total"],
            ResidentBytes = samples["process_resident_memory_bytes"],
            GcPauseSeconds = samples["dotnet_gc_pause_seconds_total"],
            Collections = samples["dotnet_gc_collections_total"],
            Puts = puts,
            Gets = gets,
            OtherStoreRequests = samples["warp_store_requests_total"] - puts - gets,
            PutBytes = samples["warp_store_bytes_total{operation=\"put\"}"],
            GetBytes = samples["warp_store_bytes_total{operation=\"get\"}"],
            WrittenBytes = samples["process_io_written_bytes_total"],
            Requests = samples["warp_kafka_requests_total"],
        };
    }

    /// <summary>What has been counted since another moment; the memory is that of this one.</summary>
    public BrokerCounters Since(BrokerCounters earlier) => new()
    {
        CpuSeconds = CpuSeconds - earlier.CpuSeconds,
        AllocatedBytes = AllocatedBytes - earlier.AllocatedBytes,
        ResidentBytes = ResidentBytes,
        GcPauseSeconds = GcPauseSeconds - earlier.GcPauseSeconds,
        Collections = Collections - earlier.Collections,
        Puts = Puts - earlier.Puts,
        Gets = Gets - earlier.Gets,
        OtherStoreRequests = OtherStoreRequests - earlier.OtherStoreRequests,
        PutBytes = PutBytes - earlier.PutBytes,
        GetBytes = GetBytes - earlier.GetBytes,
        WrittenBytes = WrittenBytes - earlier.WrittenBytes,
        Requests = Requests - earlier.Requests,
    };
}

using System.Diagnostics;
using Warp.Actors.Persistence;
using Warp.Node.Control.Reports;
using Warp.Node.Hosting;
using Warp.Streams.Objects;

namespace Warp.Node.Control;

/// <summary>Shows the journal as this node sees it. Thread-safe.</summary>
internal sealed class JournalQueries(NodeCluster cluster, IObjectStore store, TimeProvider time)
{
    /// <exception cref="JournalException">It does not answer.</exception>
    public async Task<JournalReport> ShowAsync(CancellationToken cancellationToken)
    {
        long asked = Stopwatch.GetTimestamp();
        DateTimeOffset now = await cluster.Journal.ReadClockAsync(cancellationToken);
        TimeSpan roundTrip = Stopwatch.GetElapsedTime(asked);
        DateTimeOffset own = time.GetUtcNow();
        string? objection = await cluster.Lineage.FindObjectionAsync(cancellationToken);
        ClusterRecord record = await cluster.Journal.ReadClusterAsync(cancellationToken);
        return new JournalReport(
            cluster.Journal.Description,
            store.Description,
            record.ClusterId,
            record.Lineage,
            objection,
            record.FeatureLevel,
            record.ShardCount,
            record.EntityHash,
            now,
            Math.Round((own - now - (roundTrip / 2)).TotalSeconds, 3),
            Math.Round(roundTrip.TotalMilliseconds, 1),
            Math.Round(cluster.Leases.SinceHeard.TotalSeconds, 1));
    }
}

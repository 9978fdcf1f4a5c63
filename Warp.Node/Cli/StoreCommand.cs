using System.Text.Json;
using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sharding;
using Warp.Node.Configuration;
using Warp.Node.Hosting;
using Warp.Streams.Maintenance;

namespace Warp.Node.Cli;

/// <summary><c>warp store verify</c> and <c>warp store gc</c>: looks after the store of a node that does not run.</summary>
public static class StoreCommand
{
    private static readonly NodeDescription s_description = new(
        new NodeAddress("", 0), new NodeAddress("", 0), new NodeAddress("", 0), "", "", Roles: 0, ProductVersion.Number, ClusterBinding.FeatureLevel);

    /// <summary>
    /// Holds the store against the journal and prints a line for each fault, <c>KIND KEY: PROBLEM</c>, and at the end what was read.
    /// </summary>
    /// <returns><see cref="ExitCode.Ok"/>, or <see cref="ExitCode.Failed"/> when there was a fault.</returns>
    /// <exception cref="ConfigurationException">A node runs, or the two are not of one cluster.</exception>
    public static async Task<int> VerifyAsync(
        NodeOptions options, bool json, TextWriter output, TimeProvider time, CancellationToken cancellationToken)
    {
        await using StoppedCluster cluster = await StoppedCluster.OpenAsync(options, time, cancellationToken);
        var verifier = new StoreVerifier(cluster.Journal, cluster.Store, cluster.Keys, options.Timing);
        var lines = new ReportWriter(output, json, "findings");
        VerificationResult result = await verifier.RunAsync(
            finding => lines.Write(
                $"{Word(finding.Kind)} {finding.Subject}: {finding.Problem}",
                new { Kind = Word(finding.Kind), finding.Subject, finding.Problem }),
            cancellationToken);
        string verdict = result.Findings == 0 ? "all is well" : $"{result.Findings} faults";
        lines.End(
            $"Read {result.Objects} objects of {result.Bytes} bytes and {result.Extents} extents: {verdict}",
            new { result.Objects, result.Bytes, result.Extents });
        return result.Findings == 0 ? ExitCode.Ok : ExitCode.Failed;
    }

    /// <summary>Deletes what nothing needs, or tells what would be deleted, a line for each object.</summary>
    /// <exception cref="ConfigurationException">A node runs, or journal and store do not belong together: nothing was deleted.</exception>
    public static async Task<int> CollectAsync(
        NodeOptions options, bool dryRun, bool json, TextWriter output, TimeProvider time, CancellationToken cancellationToken)
    {
        await using StoppedCluster cluster = await StoppedCluster.OpenAsync(options, time, cancellationToken);
        var lines = new ReportWriter(output, json, "objects");
        SweepResult result;
        try
        {
            result = dryRun
                ? await Collector(static () => null).RehearseAsync(Report, cancellationToken)
                : await SweepAsync();
        }
        catch (LineageException error)
        {
            throw new ConfigurationException($"Nothing was deleted. {error.Message}");
        }
        lines.End(
            $"{(dryRun ? "Would delete" : "Deleted")} {result.Objects} objects of {result.Bytes} bytes",
            new { DryRun = dryRun, Count = result.Objects, result.Bytes, result.Uploads });
        return ExitCode.Ok;

        GarbageCollector Collector(Func<Fence?> fence) => new(
            new CollectorServices(
                cluster.Journal,
                cluster.Store,
                cluster.Keys,
                new StoreLineage(cluster.Journal, cluster.Store, cluster.Keys),
                options.Timing,
                time,
                options.Gc.DeletesPerSecond),
            fence);

        async Task<SweepResult> SweepAsync()
        {
            // The journal's file is locked, so this is the node for as long as it takes.
            // The file of an embedded journal is locked, so this is its node for as long as it takes; in a cluster it is one more.
            bool isEmbedded = cluster.Journal is SqliteJournal;
            NodeIncarnation node = await cluster.Journal.RegisterNodeAsync(
                new NodeRegistration(isEmbedded ? options.Node.Id : null, s_description), options.Timing.Lease, cancellationToken);
            IReadOnlyList<Fence> fences = await cluster.Journal.TakeOverAsync(
                node, [ShardIds.Collection], options.Timing.Lease, cancellationToken);
            try
            {
                if (fences.Count == 0)
                    throw new ConfigurationException("Nothing was deleted: a node that is gone has the collection for a moment yet; try again.");
                return await Collector(() => fences[0]).SweepAsync(listStore: true, Report, cancellationToken);
            }
            finally
            {
                await cluster.Journal.ReleaseAsync(node, fences, CancellationToken.None);
                if (!isEmbedded)
                    await cluster.Journal.RemoveNodeAsync(node, CancellationToken.None);
            }
        }

        void Report(CollectedObject collected) => lines.Write(
            $"{(dryRun ? "would delete" : "deleted")} {collected.Key} ({collected.SizeBytes} bytes), "
                + $"{Word(collected.Reason)}: {collected.Why}",
            new { collected.Key, collected.SizeBytes, Reason = Word(collected.Reason), collected.Why });
    }

    private static string Word<T>(T value)
        where T : struct, Enum =>
        JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());
}

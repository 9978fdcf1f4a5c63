using System.Text.Json;
using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sharding;
using Warp.Node.Configuration;
using Warp.Node.Control.Reports;
using Warp.Node.Hosting;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Quorum;

namespace Warp.Node.Cli;

/// <summary><c>warp store</c>: looks after the store of a node that does not run.</summary>
public static class StoreCommand
{
    private static readonly NodeDescription s_description = new(
        new NodeAddress("", 0), new NodeAddress("", 0), new NodeAddress("", 0), "", "", Roles: 0, ProductVersion.Number, FeatureLevels.Newest);

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
                new FaultReport(Word(finding.Kind), finding.Subject, finding.Problem)),
            cancellationToken);
        var read = new VerifiedReport(result.Objects, result.Bytes, result.Extents, result.Findings);
        lines.End(StoreText.Verified(read), read);
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
        var swept = new { DryRun = dryRun, Count = result.Objects, result.Bytes, result.Uploads };
        lines.End(StoreText.Swept(new SweptReport(dryRun, result.Objects, result.Bytes, result.Uploads, Node: 0)), swept);
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

        void Report(CollectedObject collected)
        {
            var garbage = new GarbageReport(collected.Key, collected.SizeBytes, Word(collected.Reason), collected.Why);
            lines.Write(StoreText.Collected(garbage, dryRun), garbage);
        }
    }

    /// <summary>Gives the stores of a quorum what they lack. Nodes may run meanwhile: at worst something is copied that is then collected again.</summary>
    /// <returns><see cref="ExitCode.Ok"/>, or <see cref="ExitCode.Failed"/> when something could not be copied.</returns>
    /// <exception cref="ConfigurationException">The store is no quorum, or one of its stores cannot be listed.</exception>
    public static async Task<int> RepairAsync(
        NodeOptions options, bool json, TextWriter output, TimeProvider time, CancellationToken cancellationToken)
    {
        await using NodeStore store = NodeStore.Open(options.Store, new ObjectKeys(), time);
        if (store.Quorums.Count == 0)
            throw new ConfigurationException($"warp.store.url: {store.Store.Description} is no quorum of several stores, so there is nothing to repair.");
        QuorumRepair result;
        try
        {
            result = await QuorumRepair.RunAsync(store.Quorums, cancellationToken);
        }
        catch (ObjectStoreException error)
        {
            throw new ConfigurationException($"What the stores lack cannot be told while one of them does not answer. {error.Message}");
        }
        var repaired = new RepairedReport(result.Objects, result.Copied, result.Failed);
        output.WriteLine(json ? JsonSerializer.Serialize(repaired, JsonSerializerOptions.Web) : StoreText.Repaired(repaired));
        return repaired.Failed == 0 ? ExitCode.Ok : ExitCode.Failed;
    }

    private static string Word<T>(T value)
        where T : struct, Enum =>
        JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());
}

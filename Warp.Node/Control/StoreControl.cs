using System.Text.Json;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Sharding;
using Warp.Node.Control.Reports;
using Warp.Node.Hosting;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects.Quorum;

namespace Warp.Node.Control;

/// <summary>Looks after the store of a running cluster. Each kind of run goes on once at a time on a node. Thread-safe.</summary>
/// <param name="cluster">This node's part in the cluster.</param>
/// <param name="collection">What garbage collectors work with.</param>
/// <param name="driver">This node's.</param>
internal sealed class StoreControl(NodeCluster cluster, CollectorServices collection, CollectionDriver driver)
{
    /// <summary>How many of the objects that a sweep on another node has deleted come back by name: some 200 bytes each.</summary>
    private const int MaxListed = 1000;

    /// <summary>A sweep deletes some hundreds of objects a second, so a large one takes its time.</summary>
    private static readonly TimeSpan s_sweep = TimeSpan.FromHours(6);

    private readonly SemaphoreSlim _verifying = new(1);
    private readonly SemaphoreSlim _repairing = new(1);

    /// <summary>Holds the store against the journal while all goes on.</summary>
    public Task<object> VerifyAsync(Action<object> report, CancellationToken cancellationToken) =>
        AloneAsync(_verifying, "A verification", async () =>
        {
            var verifier = new StoreVerifier(
                cluster.Journal, collection.Store, collection.Keys, collection.Times, readers: StoreVerifier.GentleReaders);
            VerificationResult result = await verifier.RunBesideNodesAsync(
                finding => report(new FaultReport(Word(finding.Kind), finding.Subject, finding.Problem)), cancellationToken);
            return new VerifiedReport(result.Objects, result.Bytes, result.Extents, result.Findings);
        });

    /// <summary>Sweeps on the node that has the collection, or tells here what a sweep would delete.</summary>
    /// <exception cref="ControlException">Nobody collects at this moment.</exception>
    public async Task<object> CollectAsync(bool dryRun, Action<object> report, CancellationToken cancellationToken)
    {
        if (dryRun)
        {
            SweepResult rehearsed = await new GarbageCollector(collection, static () => null).RehearseAsync(
                collected => report(Of(collected)), cancellationToken);
            return new SweptReport(true, rehearsed.Objects, rehearsed.Bytes, rehearsed.Uploads, cluster.Node.NodeId);
        }
        ClusterSight sight = await ClusterSight.TakeAsync(cluster, collection.Times, cancellationToken);
        if (sight.Shards.GetValueOrDefault(ShardIds.Collection) is not { Owner: { } owner })
            throw ControlException.Unavailable("No node collects garbage at this moment; try again in some seconds.");
        if (owner == cluster.Node)
        {
            SweepResult swept = await driver.SweepNowAsync(collected => report(Of(collected)), cancellationToken);
            return new SweptReport(false, swept.Objects, swept.Bytes, swept.Uploads, owner.NodeId);
        }
        SweepStoreResponse answer = await cluster.RequirePeers().CallAsync<SweepStoreResponse>(
            owner, new SweepStoreRequest { MaxListed = MaxListed }, s_sweep, cancellationToken);
        foreach (SweepStoreResponse.SweptObject swept in answer.Listed)
            report(new GarbageReport(swept.Key, swept.SizeBytes, Word((CollectionReason)swept.Reason), swept.Why));
        return new SweptReport(false, answer.Objects, answer.Bytes, answer.Uploads, owner.NodeId);
    }

    /// <summary>The sweep that another node asks for.</summary>
    public async Task<SweepStoreResponse> SweepForPeerAsync(SweepStoreRequest request, CancellationToken cancellationToken)
    {
        var listed = new List<SweepStoreResponse.SweptObject>();
        SweepResult result = await driver.SweepNowAsync(
            collected =>
            {
                if (listed.Count < Math.Min(request.MaxListed, MaxListed))
                {
                    listed.Add(new SweepStoreResponse.SweptObject
                    {
                        Key = collected.Key,
                        SizeBytes = collected.SizeBytes,
                        Reason = (sbyte)collected.Reason,
                        Why = collected.Why,
                    });
                }
            },
            cancellationToken);
        return new SweepStoreResponse { Objects = result.Objects, Bytes = result.Bytes, Uploads = result.Uploads, Listed = listed };
    }

    /// <summary>Gives the stores of a quorum what they lack.</summary>
    /// <exception cref="ControlException">The store is no quorum.</exception>
    public Task<object> RepairAsync(CancellationToken cancellationToken) => AloneAsync(_repairing, "A repair", async () =>
    {
        if (collection.Quorums is not { Count: > 0 } quorums)
            throw ControlException.Misused($"The store {collection.Store.Description} is no quorum of several, so there is nothing to repair.");
        QuorumRepair repaired = await QuorumRepair.RunAsync(quorums, cancellationToken);
        return new RepairedReport(repaired.Objects, repaired.Copied, repaired.Failed);
    });

    private static async Task<object> AloneAsync(SemaphoreSlim turn, string what, Func<Task<object>> run)
    {
        if (!turn.Wait(0))
            throw ControlException.Refused($"{what} is under way on this node already; wait for its end.");
        try
        {
            return await run();
        }
        finally
        {
            turn.Release();
        }
    }

    private static GarbageReport Of(CollectedObject collected) =>
        new(collected.Key, collected.SizeBytes, Word(collected.Reason), collected.Why);

    private static string Word<T>(T value)
        where T : struct, Enum =>
        JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());
}

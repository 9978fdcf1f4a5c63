using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sharding;
using Warp.Node.Configuration;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;

namespace Warp.Node.Hosting;

/// <summary>
/// Opens a journal for a store, after it has made sure that the two belong together (the architecture's rule 9). When they do not, the
/// node refuses to start with one line that names both, and nothing in either has been changed.
/// </summary>
internal static class ClusterBinding
{
    /// <summary>How often a cluster that other nodes use, too, is looked at before they are taken at their word that they do not agree.</summary>
    private const int MaxAttempts = 4;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Opens the journal, or makes a new cluster in an empty place, and marks this start in both.</summary>
    /// <exception cref="ConfigurationException">They do not belong together, or the journal cannot be opened.</exception>
    /// <exception cref="JournalException">The journal cannot be opened now, but perhaps later.</exception>
    public static async Task<IJournal> OpenAsync(
        NodeOptions options, IObjectStore store, ObjectKeys keys, TimeProvider time, Random random, CancellationToken cancellationToken)
    {
        bool isShared = options.Journal.Url.Scheme != BackendUrl.SqliteScheme;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await TryOpenAsync(options, store, keys, time, random, cancellationToken);
            }
            catch (Exception error) when (isShared && attempt < MaxAttempts && error is (LineageException or ConfigurationException))
            {
                // Another node may just be making the cluster, or raise its lineage: then the two agree a moment later.
                await Task.Delay(s_pause * attempt, time, cancellationToken);
            }
            catch (LineageException error)
            {
                throw new ConfigurationException(error.Message);
            }
        }
    }

    /// <summary>Makes sure that a node that writes to neither has the store of its cluster.</summary>
    /// <exception cref="ConfigurationException">It has not.</exception>
    public static async Task CheckAsync(IJournal journal, IObjectStore store, ObjectKeys keys, CancellationToken cancellationToken)
    {
        ClusterRecord cluster = await journal.ReadClusterAsync(cancellationToken);
        StoreMark? mark = await new StoreIdentity(store, keys).ReadAsync(cancellationToken);
        if (mark?.ClusterId != cluster.ClusterId)
        {
            string found = mark is null ? "belongs to no cluster" : $"belongs to cluster {mark.ClusterId}";
            throw new ConfigurationException(
                $"warp.store.url: the store {store.Description} {found}, the nodes of warp.cluster.seeds to {cluster.ClusterId}. Name the same store on all of them.");
        }
        Check(journal.Description, cluster);
    }

    private static void Check(string description, ClusterRecord cluster)
    {
        if (cluster.EntityHash != EntityHash.Name)
        {
            throw new ConfigurationException(
                $"The journal {description} places entities by '{cluster.EntityHash}', which this version of Warp does not know; run a newer one.");
        }
        if (cluster.FeatureLevel > FeatureLevels.Newest)
        {
            throw new ConfigurationException(
                $"The journal {description} is at feature level {cluster.FeatureLevel}, this version of Warp knows {FeatureLevels.Newest}; run a newer one.");
        }
    }

    private static async Task<IJournal> TryOpenAsync(
        NodeOptions options, IObjectStore store, ObjectKeys keys, TimeProvider time, Random random, CancellationToken cancellationToken)
    {
        var identity = new StoreIdentity(store, keys);
        StoreMark? mark = await identity.ReadAsync(cancellationToken);
        bool hasObjects = mark is null && await identity.HasObjectsAsync(cancellationToken);
        string description = options.Journal.Url.ToString();
        IJournal journal;
        try
        {
            var newCluster = new ClusterRecord(
                SqliteJournal.MintClusterId(random), Lineage: 0, StoreBound: false, ShardIds.Count, EntityHash.Name, options.Cluster.OfferedLevel);
            journal = await JournalOpener.OpenAsync(options.Journal.Url, newCluster, time, Check, cancellationToken);
        }
        catch (JournalException error) when (!error.IsTransient)
        {
            throw new ConfigurationException(error.Message);
        }
        try
        {
            if (mark is null)
                await identity.BindAsync((await journal.ReadClusterAsync(cancellationToken)).ClusterId, cancellationToken);
            await new StoreLineage(journal, store, keys).RaiseAsync(cancellationToken);
            return journal;
        }
        catch
        {
            await journal.DisposeAsync();
            throw;
        }

        void Check(ClusterRecord? cluster)
        {
            if (LineageRules.Objection(description, cluster, store.Description, mark, hasObjects) is { } objection)
                throw new ConfigurationException(objection);
            if (cluster is not null)
                ClusterBinding.Check(description, cluster);
        }
    }
}

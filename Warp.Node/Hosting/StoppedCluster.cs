using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sharding;
using Warp.Node.Configuration;
using Warp.Streams.Objects;

namespace Warp.Node.Hosting;

/// <summary>
/// The store and the journal of a node that does not run, for commands that look after them. Opening changes nothing in either.
/// </summary>
internal sealed class StoppedCluster : IAsyncDisposable
{
    private readonly NodeStore _store;

    private StoppedCluster(NodeStore store, IJournal journal)
    {
        _store = store;
        Journal = journal;
    }

    public IObjectStore Store => _store.Store;

    public IJournal Journal { get; }

    public ObjectKeys Keys { get; } = new();

    /// <summary>Opens both.</summary>
    /// <exception cref="ConfigurationException">
    /// A node runs on the journal, there is none, or it is another cluster's. An older copy of the store's own journal is opened.
    /// </exception>
    public static async Task<StoppedCluster> OpenAsync(NodeOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        string description = options.Journal.Url.ToString();
        if (options.Journal.Url.Scheme == BackendUrl.SqliteScheme && !SqliteJournal.Exists(options.Journal.Url.Location))
            throw new ConfigurationException($"The journal {description} does not exist; name the right one (warp.journal.url).");
        NodeStore opened = NodeStore.Open(options.Store, new ObjectKeys(), time);
        IObjectStore store = opened.Store;
        try
        {
            StoreMark? mark = await new StoreIdentity(store, new ObjectKeys()).ReadAsync(cancellationToken);
            var none = new ClusterRecord("", 0, StoreBound: false, ShardIds.Count, EntityHash.Name, 0);
            IJournal journal = await JournalOpener.OpenAsync(
                options.Journal.Url, none, time, cluster => RequireSame(cluster, mark), cancellationToken);
            try
            {
                await RequireStoppedAsync(journal, options.Timing, cancellationToken);
                return new StoppedCluster(opened, journal);
            }
            catch
            {
                await journal.DisposeAsync();
                throw;
            }
        }
        catch (Exception error)
        {
            await opened.DisposeAsync();
            if (error is JournalException or ObjectStoreException)
                throw new ConfigurationException(error.Message);
            throw;
        }

        void RequireSame(ClusterRecord? cluster, StoreMark? mark)
        {
            if (cluster is null)
                throw new ConfigurationException($"The journal {description} is empty; name the right one (warp.journal.url).");
            if (mark is null || mark.ClusterId != cluster.ClusterId)
            {
                string objection = LineageRules.Objection(description, cluster, store.Description, mark, storeHasObjects: true)!;
                throw new ConfigurationException(objection);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Journal.DisposeAsync();
        await _store.DisposeAsync();
    }

    /// <summary>A file is locked by the node that uses it; a database is not.</summary>
    private static async Task RequireStoppedAsync(IJournal journal, TimeConstants times, CancellationToken cancellationToken)
    {
        if (journal is SqliteJournal)
            return;
        // A heartbeat of nobody changes nothing, and tells who is there.
        Heartbeat view = await journal.HeartbeatAsync(default, NodeStatus.Well, [], times.Lease, cancellationToken);
        if (view.Nodes.FirstOrDefault(node => node.HeartbeatAt > view.DatabaseTime - times.Lease) is { } alive)
            throw new ConfigurationException($"The journal {journal.Description} is in use by node {alive.Node.NodeId} ({alive.Description.Kafka}); stop all nodes, and wait for {times.Lease.TotalSeconds} s.");
    }
}

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
        string path = options.Journal.Url.Location;
        string description = options.Journal.Url.ToString();
        if (!SqliteJournal.Exists(path))
            throw new ConfigurationException($"The journal {description} does not exist; name the right one (warp.journal.url).");
        NodeStore opened = NodeStore.Open(options.Store, new ObjectKeys(), time);
        IObjectStore store = opened.Store;
        try
        {
            StoreMark? mark = await new StoreIdentity(store, new ObjectKeys()).ReadAsync(cancellationToken);
            var none = new ClusterRecord("", 0, StoreBound: false, ShardIds.Count, EntityHash.Name, 0);
            return new StoppedCluster(opened, await SqliteJournal.OpenAsync(path, none, time, cluster => RequireSame(cluster, mark)));
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
}

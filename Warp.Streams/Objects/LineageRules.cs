using Warp.Actors.Persistence;

namespace Warp.Streams.Objects;

/// <summary>
/// Whether a journal and a store belong together. The journal's lineage is always raised first and the store's right after it, so that a
/// store which is ahead proves that the journal is an old copy. A pure function of what both say.
/// </summary>
public static class LineageRules
{
    /// <summary>What stands against using them together, as a sentence that names both; null when nothing does.</summary>
    /// <param name="journal">The journal's description.</param>
    /// <param name="cluster">What the journal says; null when there is no journal yet.</param>
    /// <param name="store">The store's description.</param>
    /// <param name="mark">What the store says; null when it belongs to no cluster yet.</param>
    /// <param name="storeHasObjects">Whether there are record objects in it.</param>
    public static string? Objection(string journal, ClusterRecord? cluster, string store, StoreMark? mark, bool storeHasObjects)
    {
        if (cluster is null)
        {
            if (mark is not null)
                return $"The store {store} belongs to cluster {mark.ClusterId}, but the journal {journal} does not exist. Without its journal the records in the store have no order. Put the journal back (warp.journal.url), or name an empty store (warp.store.url).";
            return storeHasObjects ? NoIdentity(store) : null;
        }
        if (mark is null)
        {
            if (cluster.StoreBound)
                return $"The journal {journal} of cluster {cluster.ClusterId} refers to a store that is not {store}: that one is empty. Name the right store (warp.store.url), or start anew with another journal (warp.journal.url).";
            return storeHasObjects ? NoIdentity(store) : null;
        }
        if (mark.ClusterId != cluster.ClusterId)
            return $"The store {store} belongs to cluster {mark.ClusterId}, but the journal {journal} to cluster {cluster.ClusterId}. Name a store and a journal of the same cluster (warp.store.url, warp.journal.url).";
        if (mark.Lineage > cluster.Lineage)
            return $"The journal {journal} is an older copy: it is at lineage {cluster.Lineage}, the store {store} at {mark.Lineage}. Records that were acknowledged since then are in the store but not in this journal. Put the latest journal back (warp.journal.url).";
        if (mark.Lineage < cluster.Lineage - 1)
            return $"The store {store} is an older copy: it is at lineage {mark.Lineage}, the journal {journal} at {cluster.Lineage}. Objects that the journal refers to may be missing. Put the latest store back (warp.store.url).";
        return null;
    }

    private static string NoIdentity(string store) =>
        $"The store {store} has record objects but no cluster identity. Name an empty store (warp.store.url), or restore its identity object from a backup.";
}

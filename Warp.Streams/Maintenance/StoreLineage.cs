using Warp.Actors.Persistence;
using Warp.Streams.Objects;

namespace Warp.Streams.Maintenance;

/// <summary>
/// Keeps a journal and its store in step (the architecture's rule 9): whoever is about to do what cannot be undone asks here first whether
/// the two still belong together. Thread-safe.
/// </summary>
public sealed class StoreLineage(IJournal journal, IObjectStore store, ObjectKeys keys)
{
    private const int MaxReadings = 5;

    private readonly StoreIdentity _identity = new(store, keys);
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>What stands against using them together, or null.</summary>
    public async Task<string?> FindObjectionAsync(CancellationToken cancellationToken) => (await ReadAsync(cancellationToken)).Objection;

    /// <summary>
    /// Raises the lineage in both, the journal first: from here on an older copy of the journal is noticed.
    /// </summary>
    /// <exception cref="LineageException">They do not belong together. Nothing was changed.</exception>
    public async Task RaiseAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            (ClusterRecord cluster, StoreMark? mark, string? objection) = await ReadAsync(cancellationToken);
            if (objection is not null)
                throw new LineageException(objection);
            // The store may have missed the last mark. It must never miss two: that would look like an old copy of it.
            if (cluster.StoreBound && mark?.Lineage < cluster.Lineage)
                await _identity.MarkAsync(cluster.Lineage, cancellationToken);
            await journal.RaiseLineageAsync(cluster.Lineage + 1, storeBound: true, cancellationToken);
            await _identity.MarkAsync(cluster.Lineage + 1, cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Reads both, the store first: the journal is raised before the store, so it is never behind what was read before it. Other nodes raise
    /// them, too, and might do so twice between the two readings; so an objection counts only if it stays.
    /// </summary>
    private async Task<(ClusterRecord Cluster, StoreMark? Mark, string? Objection)> ReadAsync(CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            StoreMark? mark = await _identity.ReadAsync(cancellationToken);
            ClusterRecord cluster = await journal.ReadClusterAsync(cancellationToken);
            string? objection = LineageRules.Objection(
                journal.Description, cluster, store.Description, mark, storeHasObjects: mark is null);
            if (objection is null || attempt == MaxReadings)
                return (cluster, mark, objection);
        }
    }
}

/// <summary>A journal and a store do not belong together; the message names both and says what to do.</summary>
public sealed class LineageException(string message) : Exception(message);

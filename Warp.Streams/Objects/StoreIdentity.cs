using System.Text;

namespace Warp.Streams.Objects;

/// <summary>
/// What a store says of the cluster whose records it holds: the cluster's id, and a lineage number that rises in step with the journal's
/// (the architecture's rule 9). With it a node notices a journal that was lost or put back from an old copy before it does harm.
/// </summary>
public sealed class StoreIdentity(IObjectStore store, ObjectKeys keys)
{
    /// <summary>How many lineage marks stay; older ones say nothing that the newest does not.</summary>
    private const int KeptMarks = 2;

    /// <summary>Reads what the store says; null for a store that belongs to no cluster yet. Changes nothing.</summary>
    public async Task<StoreMark?> ReadAsync(CancellationToken cancellationToken)
    {
        byte[] clusterId;
        try
        {
            // This is the first request to a store. It asks for the bytes at once: where only the head is asked for, S3 does not say what
            // is wrong with the credentials.
            clusterId = await store.GetAsync(keys.Identity, cancellationToken);
        }
        catch (ObjectNotFoundException)
        {
            return null;
        }
        List<long> marks = await ReadMarksAsync(cancellationToken);
        return new StoreMark(Encoding.UTF8.GetString(clusterId), marks is [.., var latest] ? latest : 0);
    }

    /// <summary>Whether any record object lies in the store.</summary>
    public async Task<bool> HasObjectsAsync(CancellationToken cancellationToken)
    {
        // Compaction may have left nothing of level 0.
        for (int level = 0; level <= ObjectKeys.MaxLevel; level++)
        {
            await foreach (ObjectInfo _ in store.ListAsync(keys.LevelPrefix(level), null, cancellationToken))
                return true;
        }
        return false;
    }

    /// <summary>Writes the cluster's id into a store that has none.</summary>
    /// <exception cref="ObjectStoreException">Another cluster was quicker.</exception>
    public async Task BindAsync(string clusterId, CancellationToken cancellationToken)
    {
        PutOutcome outcome = await store.PutAsync(keys.Identity, [Encoding.UTF8.GetBytes(clusterId)], cancellationToken);
        if (outcome == PutOutcome.AlreadyExists && Encoding.UTF8.GetString(await store.GetAsync(keys.Identity, cancellationToken)) != clusterId)
        {
            throw new ObjectStoreException(store.Description, keys.Identity,
                "Another cluster has just claimed this store. Give each cluster a store (or a prefix) of its own.", isTransient: false);
        }
    }

    /// <summary>Raises the lineage; the journal has been raised before.</summary>
    public async Task MarkAsync(long lineage, CancellationToken cancellationToken)
    {
        await store.PutAsync(keys.Lineage(lineage), [], cancellationToken);
        List<long> marks = await ReadMarksAsync(cancellationToken);
        if (marks.Count > KeptMarks)
            await store.DeleteAsync([.. marks.SkipLast(KeptMarks).Select(keys.Lineage)], cancellationToken);
    }

    private async Task<List<long>> ReadMarksAsync(CancellationToken cancellationToken)
    {
        var marks = new List<long>();
        await foreach (ObjectInfo mark in store.ListAsync(keys.LineagePrefix, null, cancellationToken))
        {
            if (keys.TryParseLineage(mark.Key, out long number))
                marks.Add(number);
        }
        return marks;
    }
}

/// <summary>A store's cluster and the highest lineage number in it.</summary>
public sealed record StoreMark(string ClusterId, long Lineage);

namespace Warp.Streams.Objects.Quorum;

public sealed partial class QuorumObjectStore
{
    /// <summary>
    /// Lists all stores and copies to each what it lacks and another one has; what a store has missed while it was away. An object that is
    /// under way, or being deleted, may be copied needlessly: it is collected later like any other that nobody points to.
    /// </summary>
    /// <param name="prefix">Any beginning of a key; empty for all objects.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ObjectStoreException">A store cannot be listed: whether it lacks something cannot be told.</exception>
    public async Task<QuorumRepair> RepairAsync(string prefix, CancellationToken cancellationToken)
    {
        ObjectKeys.ValidatePrefix(prefix);
        var result = new QuorumRepair();
        IAsyncEnumerable<ObjectInfo>[] listings = [.. _stores.Select(store => store.ListAsync(prefix, null, cancellationToken))];
        await foreach (MergedObject found in ListingMerge.MergeAsync(listings, static (_, error) => throw error, cancellationToken))
        {
            result = result with { Objects = result.Objects + 1 };
            int source = found.Found.ToList().FindIndex(static info => info is not null);
            for (int i = 0; i < _stores.Count; i++)
            {
                if (found.Found[i] is not null)
                    continue;
                bool isCopied = await TryCopyAsync(_stores[source], _stores[i], found.First, cancellationToken);
                result = isCopied ? result with { Copied = result.Copied + 1 } : result with { Failed = result.Failed + 1 };
            }
        }
        return result;
    }

    private static async Task<bool> TryCopyAsync(IObjectStore from, IObjectStore to, ObjectInfo info, CancellationToken cancellationToken)
    {
        try
        {
            await ObjectCopy.CopyAsync(from, to, info, cancellationToken);
            return true;
        }
        catch (ObjectNotFoundException)
        {
            // Deleted meanwhile: nothing is missing.
            return true;
        }
        catch (ObjectStoreException)
        {
            return false;
        }
    }
}

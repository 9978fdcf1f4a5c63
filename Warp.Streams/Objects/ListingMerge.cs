using System.Runtime.CompilerServices;

namespace Warp.Streams.Objects;

/// <summary>Makes one listing of several that are each in the order of keys.</summary>
internal static class ListingMerge
{
    /// <summary>Each key with all that the listings say of it, in the order of keys.</summary>
    /// <param name="listings">The listings. One that fails has nothing more to say.</param>
    /// <param name="failed">Hears which listing failed, and how; may throw, which ends it all.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async IAsyncEnumerable<MergedObject> MergeAsync(
        IReadOnlyList<IAsyncEnumerable<ObjectInfo>> listings,
        Action<int, ObjectStoreException> failed,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IAsyncEnumerator<ObjectInfo>[] readers = [.. listings.Select(listing => listing.GetAsyncEnumerator(cancellationToken))];
        try
        {
            var heads = new ObjectInfo?[readers.Length];
            Task<ObjectInfo?>[] firsts = [.. readers.Select((_, i) => NextAsync(i))];
            for (int i = 0; i < readers.Length; i++)
                heads[i] = await firsts[i];
            while (Lowest(heads) is { } key)
            {
                var found = new ObjectInfo?[readers.Length];
                for (int i = 0; i < readers.Length; i++)
                {
                    if (heads[i]?.Key != key)
                        continue;
                    found[i] = heads[i];
                    heads[i] = await NextAsync(i);
                }
                yield return new MergedObject(key, found);
            }
        }
        finally
        {
            foreach (IAsyncEnumerator<ObjectInfo> reader in readers)
                await reader.DisposeAsync();
        }

        async Task<ObjectInfo?> NextAsync(int i)
        {
            try
            {
                return await readers[i].MoveNextAsync() ? readers[i].Current : null;
            }
            catch (ObjectStoreException e)
            {
                failed(i, e);
                return null;
            }
        }
    }

    private static string? Lowest(ObjectInfo?[] heads)
    {
        string? lowest = null;
        foreach (ObjectInfo? head in heads)
        {
            if (head is { } info && (lowest is null || string.CompareOrdinal(info.Key, lowest) < 0))
                lowest = info.Key;
        }
        return lowest;
    }
}

/// <summary>A key, and what each listing says of it; null where it is not listed.</summary>
internal readonly record struct MergedObject(string Key, IReadOnlyList<ObjectInfo?> Found)
{
    /// <summary>What the first listing says that has it.</summary>
    public ObjectInfo First => Found.First(static info => info is not null)!.Value;
}

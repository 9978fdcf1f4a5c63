namespace Warp.Streams.Objects;

/// <summary>Opens object stores by their URLs.</summary>
public static class ObjectStores
{
    /// <summary>Opens a store.</summary>
    /// <param name="url"><c>mem:</c>, or <c>file:PATH</c> (also <c>file:///PATH</c>) for a folder.</param>
    /// <param name="clock">Dates the objects of stores that have no clock of their own.</param>
    /// <exception cref="ArgumentException">The URL is none of a store that is known; the message lists those.</exception>
    /// <exception cref="ObjectStoreException">The store cannot be opened.</exception>
    public static IObjectStore Open(string url, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(url);
        int colon = url.IndexOf(':');
        string scheme = colon < 0 ? "" : url[..colon].ToLowerInvariant();
        string rest = url[(colon + 1)..];
        return (scheme, rest) switch
        {
            ("mem", "") => new MemoryObjectStore(clock),
            ("file", not "") => DirectoryObjectStore.Open(rest.StartsWith("///", StringComparison.Ordinal) ? rest[2..] : rest),
            _ => throw new ArgumentException(
                $"'{url}' is not the URL of an object store. Known are mem: (in memory, gone with the process) "
                + "and file:PATH (a folder, for example file:/var/lib/warp/objects).",
                nameof(url)),
        };
    }

    /// <summary>How many bytes the pieces have together.</summary>
    internal static long LengthOf(IReadOnlyList<ReadOnlyMemory<byte>> content)
    {
        long length = 0;
        for (int i = 0; i < content.Count; i++)
            length += content[i].Length;
        return length;
    }

    /// <summary>Keeps <see cref="IObjectStore.GetAsync"/> to small objects.</summary>
    internal static void RequireSmall(IObjectStore store, string key, long size)
    {
        if (size > IObjectStore.WholeObjectLimit)
            throw new ObjectStoreException(
                store.Description,
                key,
                $"It has {size} bytes, too many to be read whole (at most {IObjectStore.WholeObjectLimit}). Read it in ranges.",
                isTransient: false);
    }
}

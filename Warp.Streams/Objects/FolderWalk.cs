namespace Warp.Streams.Objects;

/// <summary>Lists keys in their order where a store can only tell what is in one folder, in any order.</summary>
internal static class FolderWalk
{
    /// <param name="prefix">Any beginning of a key.</param>
    /// <param name="startAfter">The last key of the page before, or null.</param>
    /// <param name="readFolder">What is in a folder: its key, which ends with a slash (empty: the root), to the objects and folders in
    /// it.</param>
    public static async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter, Func<string, Task<List<FolderEntry>>> readFolder)
    {
        var left = new Stack<FolderEntry>();
        left.Push(FolderEntry.Folder(prefix[..(prefix.LastIndexOf('/') + 1)]));
        while (left.TryPop(out FolderEntry next))
        {
            if (!next.IsFolder)
            {
                yield return new ObjectInfo(next.Key, next.Size, next.LastModified);
                continue;
            }
            List<FolderEntry> found = await readFolder(next.Key);
            found.RemoveAll(entry => !IsListed(entry, prefix, startAfter));
            // The last comes first, to be popped last. A folder sorts as its name and a slash, as its keys do.
            found.Sort(static (one, other) => string.CompareOrdinal(other.Key, one.Key));
            found.ForEach(left.Push);
        }
    }

    private static bool IsListed(FolderEntry entry, string prefix, string? startAfter)
    {
        bool inPrefix = entry.Key.StartsWith(prefix, StringComparison.Ordinal);
        bool isAfter = string.CompareOrdinal(entry.Key, startAfter) > 0;
        return entry.IsFolder
            ? (inPrefix || prefix.StartsWith(entry.Key, StringComparison.Ordinal))
                && (isAfter || startAfter!.StartsWith(entry.Key, StringComparison.Ordinal))
            : inPrefix && isAfter;
    }
}

/// <summary>What a folder has in it; a folder's key ends with a slash.</summary>
internal readonly record struct FolderEntry(string Key, bool IsFolder, long Size, DateTimeOffset LastModified)
{
    public static FolderEntry Folder(string key) => new(key, IsFolder: true, 0, default);
}

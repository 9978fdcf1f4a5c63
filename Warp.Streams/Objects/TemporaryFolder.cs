namespace Warp.Streams.Objects;

/// <summary>
/// A folder of its own for the half-written files of one opened store: <c>NAME</c>, beside a file <c>NAME.lock</c> that is locked while the
/// folder is in use. Whoever writes to the store next removes the folders whose lock nobody holds, so nothing of a killed process stays.
/// </summary>
internal sealed class TemporaryFolder : IDisposable
{
    private const string LockSuffix = ".lock";

    private readonly FileStream _lock;
    private readonly string _path;
    private long _files;

    private TemporaryFolder(string path, FileStream @lock)
    {
        _path = path;
        _lock = @lock;
    }

    /// <param name="parent">Where the folders of all that have this store open lie; created if missing.</param>
    public static TemporaryFolder Open(string parent)
    {
        Directory.CreateDirectory(parent);
        // Never a name that was used before: a folder of that name might be under removal. The lock comes before the folder, so that
        // a folder whose lock is free is a leftover.
        string path = Path.Combine(parent, Path.GetRandomFileName());
        var held = new FileStream(path + LockSuffix, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        Directory.CreateDirectory(path);
        return new TemporaryFolder(path, held);
    }

    /// <summary>The path of a file that does not exist.</summary>
    public string NextFile() => Path.Combine(_path, Interlocked.Increment(ref _files).ToString("x"));

    /// <summary>Removes the folder with all that is in it.</summary>
    public void Dispose()
    {
        Remove(_path);
        _lock.Dispose();
    }

    /// <summary>Removes the folders of those that have not come to <see cref="Dispose"/>.</summary>
    public static void RemoveLeftovers(string parent)
    {
        foreach (string folder in Directory.EnumerateDirectories(parent))
        {
            using FileStream? held = TryLock(folder + LockSuffix);
            if (held is not null)
                Remove(folder);
        }
    }

    /// <summary>Takes a lock that ends with the process; null if somebody else holds it.</summary>
    private static FileStream? TryLock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The lock file goes last: as long as there is a folder, there is the lock that keeps it or gives it away.</summary>
    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        File.Delete(folder + LockSuffix);
    }
}

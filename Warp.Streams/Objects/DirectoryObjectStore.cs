using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;

namespace Warp.Streams.Objects;

/// <summary>Objects as files of a folder; a key is a path in it. Several processes may have one folder open.</summary>
/// <remarks>
/// <para>A put writes to a file under <c>.tmp</c>, fsyncs it, links it to its name, which fails if there is such a file, and fsyncs the
/// folder. So a name has all bytes of one put or does not exist, and an object that was acknowledged survives a power cut: before
/// the first object in a folder is acknowledged, the folder's own name is made durable as well.</para>
/// <para>What killed processes have left half written is invisible, and removed at the first put.</para>
/// <para>A deletion is not made durable. An object that comes back after a power cut has no owner, and is collected like any
/// other that nobody points to.</para>
/// </remarks>
public sealed partial class DirectoryObjectStore : IObjectStore
{
    /// <summary>More calls than this wait for a thread; a disk has no use for more at once.</summary>
    private const int MaxBlockingCalls = 16;

    private const string TemporaryName = ".tmp";

    private readonly string _root;
    private readonly TemporaryFolder _temporary;
    private readonly BlockingIoScheduler _io = new(MaxBlockingCalls);
    private readonly DirectFileWriter _writer = new();
    private readonly ConcurrentDictionary<string, bool> _durableFolders = new();
    private int _isSwept;
    private int _disposed;

    private DirectoryObjectStore(string root)
    {
        _root = root;
        Description = "file:" + root;
        DurableFiles.CreateFolder(root);
        _temporary = TemporaryFolder.Open(Path.Combine(root, TemporaryName));
    }

    public string Description { get; }

    /// <summary>Opens the store in a folder, created if it is missing. What is in it stays as it is until the first put.</summary>
    /// <exception cref="ObjectStoreException">The folder cannot be used.</exception>
    public static DirectoryObjectStore Open(string path)
    {
        string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        try
        {
            return new DirectoryObjectStore(root);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FileErrors.Explain("file:" + root, null, e);
        }
    }

    public Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        string path = PathOf(key);
        return RunAsync(key, () => Put(path, content, cancellationToken), cancellationToken);
    }

    public Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        string path = PathOf(key);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        return RunAsync(key, () => Read(path, position, destination.Span), cancellationToken, isRead: true);
    }

    public Task<byte[]> GetAsync(string key, CancellationToken cancellationToken)
    {
        string path = PathOf(key);
        return RunAsync(
            key,
            () =>
            {
                ObjectStores.RequireSmall(this, key, new FileInfo(path).Length);
                return File.ReadAllBytes(path);
            },
            cancellationToken,
            isRead: true);
    }

    public Task<long?> HeadAsync(string key, CancellationToken cancellationToken)
    {
        string path = PathOf(key);
        return RunAsync<long?>(key, () => new FileInfo(path) is { Exists: true } file ? file.Length : null, cancellationToken);
    }

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, CancellationToken cancellationToken)
    {
        ObjectKeys.ValidatePrefix(prefix);
        return FolderWalk.ListAsync(
            prefix, startAfter, folder => RunAsync(null, () => ReadFolder(folder), cancellationToken));
    }

    public Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        string[] paths = [.. keys.Select(PathOf)];
        return RunAsync(keys.Count == 1 ? keys[0] : null, () => Delete(paths, cancellationToken), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await RunAsync(
            null,
            () =>
            {
                _temporary.Dispose();
                return true;
            },
            CancellationToken.None);
        _io.Dispose();
    }

    private PutOutcome Put(string path, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        SweepOnce();
        string temporary = _temporary.NextFile();
        try
        {
            using (SafeFileHandle file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                _writer.Write(file, content, 0);
                RandomAccess.FlushToDisk(file);
            }
            cancellationToken.ThrowIfCancellationRequested();
            return Publish(temporary, path);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Removes what killed processes have left. Not when the store is opened: whoever only looks at it, to find that it is the
    /// wrong one, must leave it as it was.</summary>
    private void SweepOnce()
    {
        if (Interlocked.Exchange(ref _isSwept, 1) == 0)
            TemporaryFolder.RemoveLeftovers(Path.Combine(_root, TemporaryName));
    }

    /// <summary>Gives a temporary file, whose bytes are durable, the name of an object, if nothing has it.</summary>
    private PutOutcome Publish(string temporary, string path)
    {
        string folder = Path.GetDirectoryName(path)!;
        MakeDurable(folder);
        bool stored = DurableFiles.TryLink(temporary, path);
        if (!stored && Directory.Exists(path))
            throw new IOException($"{path} is a folder");
        // Also for an object that was there: its writer may not have come to this yet.
        DurableFiles.SyncFolder(folder);
        return stored ? PutOutcome.Stored : PutOutcome.AlreadyExists;
    }

    /// <summary>Creates a folder, and makes its name durable whoever created it: that one may not have come to it yet.</summary>
    private void MakeDurable(string folder)
    {
        if (folder == _root || _durableFolders.ContainsKey(folder))
            return;
        Directory.CreateDirectory(folder);
        string parent = Path.GetDirectoryName(folder)!;
        MakeDurable(parent);
        DurableFiles.SyncFolder(parent);
        _durableFolders.TryAdd(folder, true);
    }

    private static int Read(string path, long position, Span<byte> destination)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        int filled = 0;
        while (filled < destination.Length)
        {
            int count = RandomAccess.Read(file, destination[filled..], position + filled);
            if (count == 0)
                break;
            filled += count;
        }
        return filled;
    }

    private List<FolderEntry> ReadFolder(string folderKey)
    {
        var found = new List<FolderEntry>();
        var folder = new DirectoryInfo(Path.Combine(_root, folderKey));
        try
        {
            foreach (FileSystemInfo item in folder.EnumerateFileSystemInfos())
            {
                if (!ObjectKeys.IsSegment(item.Name))
                    continue;
                if (item is DirectoryInfo)
                    found.Add(FolderEntry.Folder(folderKey + item.Name + "/"));
                else if (item is FileInfo { Exists: true } file)
                    found.Add(new FolderEntry(folderKey + item.Name, IsFolder: false, file.Length, file.LastWriteTimeUtc));
            }
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        return found;
    }

    private static int Delete(string[] paths, CancellationToken cancellationToken)
    {
        foreach (string path in paths)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                File.Delete(path);
            }
            catch (DirectoryNotFoundException)
            {
                // Nothing of that folder was ever put.
            }
        }
        return paths.Length;
    }

    private string PathOf(string key)
    {
        ObjectKeys.Validate(key);
        return Path.Combine(_root, key);
    }

    private async Task<T> RunAsync<T>(string? key, Func<T> call, CancellationToken cancellationToken, bool isRead = false)
    {
        try
        {
            return await _io.RunAsync(call, cancellationToken);
        }
        catch (Exception e) when (isRead && e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ObjectNotFoundException(Description, key!, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FileErrors.Explain(Description, key, e);
        }
    }
}

using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;

namespace Warp.Streams.Objects;

public sealed partial class DirectoryObjectStore
{
    private readonly ConcurrentDictionary<Upload, bool> _uploads = new();

    public Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken)
    {
        string path = PathOf(key);
        return RunAsync<IMultipartUpload>(key, () =>
        {
            SweepOnce();
            var upload = new Upload(this, key, path, _temporary.NextFile());
            File.Create(upload.TemporaryPath).Dispose();
            _uploads.TryAdd(upload, true);
            return upload;
        }, cancellationToken);
    }

    /// <summary>Aborts those of this process; the ones of killed processes are removed whatever their age.</summary>
    public Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken)
    {
        ObjectKeys.ValidatePrefix(prefix);
        return RunAsync(null, () =>
        {
            TemporaryFolder.RemoveLeftovers(Path.Combine(_root, TemporaryName));
            int aborted = 0;
            foreach (Upload upload in _uploads.Keys)
            {
                bool isMeant = upload.Key.StartsWith(prefix, StringComparison.Ordinal)
                    && File.GetCreationTimeUtc(upload.TemporaryPath) < startedBefore.UtcDateTime;
                if (isMeant && _uploads.TryRemove(upload, out _))
                {
                    File.Delete(upload.TemporaryPath);
                    aborted++;
                }
            }
            return aborted;
        }, cancellationToken);
    }

    /// <summary>A temporary file that grows by parts.</summary>
    private sealed class Upload(DirectoryObjectStore store, string key, string path, string temporaryPath)
        : MultipartUpload(store.Description, key)
    {
        public string TemporaryPath => temporaryPath;

        protected override Task WriteAsync(int number, IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken) =>
            store.RunAsync(Key, () =>
            {
                using SafeFileHandle file = Open();
                store._writer.Write(file, part, Length);
                return true;
            }, cancellationToken);

        protected override Task<PutOutcome> FinishAsync(CancellationToken cancellationToken) => store.RunAsync(Key, () =>
        {
            using (SafeFileHandle file = Open())
            {
                // A part that failed may have written more than the one that took its place.
                RandomAccess.SetLength(file, Length);
                RandomAccess.FlushToDisk(file);
            }
            PutOutcome outcome = store.Publish(temporaryPath, path);
            store._uploads.TryRemove(this, out _);
            File.Delete(temporaryPath);
            return outcome;
        }, cancellationToken);

        protected override Task CancelAsync(CancellationToken cancellationToken) => store.RunAsync(Key, () =>
        {
            store._uploads.TryRemove(this, out _);
            File.Delete(temporaryPath);
            return true;
        }, cancellationToken);

        private SafeFileHandle Open()
        {
            try
            {
                return File.OpenHandle(temporaryPath, FileMode.Open, FileAccess.Write, FileShare.Delete);
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                throw Aborted();
            }
        }
    }
}

using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Warp.Streams.Objects.AzureBlobs;

/// <summary>
/// Objects as block blobs of a container of Azure Blob Storage. One request an attempt: retries, deadlines and hedges are wrapped around
/// it.
/// </summary>
/// <remarks>
/// <para>Puts, and the completion of multipart uploads, are conditional (<c>If-None-Match: *</c>).</para>
/// <para>Azure lists from the beginning of a prefix only: a listing that goes on after a key reads what comes before it as well.</para>
/// <para>Blocks that are never committed are invisible, and Azure discards them a week after the last one; there is no request that lists
/// or removes them without making a blob for a moment. So aborting an upload leaves that to Azure.</para>
/// </remarks>
public sealed partial class AzureBlobObjectStore : IObjectStore
{
    /// <summary>How many deletions are under way at once.</summary>
    private const int DeletesAtOnce = 16;

    /// <summary>Azure takes this much in one request.</summary>
    private const long MaxSinglePut = 5000L << 20;

    private readonly AzureBlobSettings _settings;
    private readonly BlobContainerClient _container;
    private readonly AzureBlobErrors _errors;

    private AzureBlobObjectStore(AzureBlobSettings settings, BlobContainerClient container)
    {
        _settings = settings;
        _container = container;
        Description = settings.ToString();
        _errors = new AzureBlobErrors(Description, settings);
    }

    public string Description { get; }

    /// <summary>Opens the store with the credentials of the process's environment. Nothing is asked of the server yet.</summary>
    /// <exception cref="ObjectStoreException">There are no credentials, or they cannot be read.</exception>
    public static AzureBlobObjectStore Open(AzureBlobSettings settings) => Open(settings, Environment.GetEnvironmentVariable);

    /// <summary>Opens the store with credentials from elsewhere.</summary>
    /// <param name="settings">Where it is.</param>
    /// <param name="environment">The values of environment variables.</param>
    public static AzureBlobObjectStore Open(AzureBlobSettings settings, Func<string, string?> environment) =>
        new(settings, AzureBlobCredentials.Connect(settings, environment));

    public async Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        BlockBlobClient blob = Blob(key);
        return await RunAsync(key, async () =>
        {
            await using var body = new PieceStream(content);
            return await PutIfAbsentAsync(() => blob.UploadAsync(
                body,
                new BlobUploadOptions
                {
                    Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All },
                    // One request, streamed from where the bytes are.
                    TransferOptions = new StorageTransferOptions { InitialTransferSize = MaxSinglePut, MaximumTransferSize = MaxSinglePut },
                },
                cancellationToken));
        }, cancellationToken);
    }

    public async Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        BlockBlobClient blob = Blob(key);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        return await RunAsync(key, async () =>
        {
            if (destination.Length == 0)
                return await LengthAsync(blob, cancellationToken) is null ? throw new ObjectNotFoundException(Description, key) : 0;
            try
            {
                var options = new BlobDownloadOptions { Range = new HttpRange(position, destination.Length) };
                using BlobDownloadStreamingResult result = await blob.DownloadStreamingAsync(options, cancellationToken);
                int wanted = (int)Math.Min(destination.Length, result.Details.ContentLength);
                return await ReadAsync(key, result.Content, destination[..wanted], cancellationToken);
            }
            catch (RequestFailedException e) when (e.Status == 416)
            {
                return 0;
            }
        }, cancellationToken);
    }

    public async Task<byte[]> GetAsync(string key, CancellationToken cancellationToken)
    {
        BlockBlobClient blob = Blob(key);
        return await RunAsync(key, async () =>
        {
            using BlobDownloadStreamingResult result = await blob.DownloadStreamingAsync(cancellationToken: cancellationToken);
            ObjectStores.RequireSmall(this, key, result.Details.ContentLength);
            var bytes = new byte[result.Details.ContentLength];
            await ReadAsync(key, result.Content, bytes, cancellationToken);
            return bytes;
        }, cancellationToken);
    }

    public async Task<long?> HeadAsync(string key, CancellationToken cancellationToken)
    {
        BlockBlobClient blob = Blob(key);
        return await RunAsync(key, () => LengthAsync(blob, cancellationToken), cancellationToken);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ObjectKeys.ValidatePrefix(prefix);
        await using IAsyncEnumerator<Page<BlobItem>> pages = _container
            .GetBlobsAsync(prefix: _settings.Prefix + prefix, cancellationToken: cancellationToken)
            .AsPages()
            .GetAsyncEnumerator(cancellationToken);
        while (await RunAsync(null, () => pages.MoveNextAsync().AsTask(), cancellationToken))
        {
            foreach (BlobItem blob in pages.Current.Values)
            {
                string key = blob.Name[_settings.Prefix.Length..];
                if (string.CompareOrdinal(key, startAfter) > 0)
                    yield return new ObjectInfo(key, blob.Properties.ContentLength ?? 0, blob.Properties.LastModified ?? default);
            }
        }
    }

    public async Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        foreach (string key in keys)
            ObjectKeys.Validate(key);
        foreach (string[] some in keys.Chunk(DeletesAtOnce))
        {
            await Task.WhenAll(some.Select(key => RunAsync(
                key, () => Blob(key).DeleteIfExistsAsync(cancellationToken: cancellationToken), cancellationToken)));
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private BlockBlobClient Blob(string key)
    {
        ObjectKeys.Validate(key);
        return _container.GetBlockBlobClient(_settings.Prefix + key);
    }

    private static async Task<PutOutcome> PutIfAbsentAsync(Func<Task> put)
    {
        try
        {
            await put();
            return PutOutcome.Stored;
        }
        catch (RequestFailedException e) when (e.ErrorCode is "BlobAlreadyExists" or "ConditionNotMet" || e.Status == 412)
        {
            return PutOutcome.AlreadyExists;
        }
    }

    private static async Task<long?> LengthAsync(BlockBlobClient blob, CancellationToken cancellationToken)
    {
        try
        {
            BlobProperties properties = await blob.GetPropertiesAsync(cancellationToken: cancellationToken);
            return properties.ContentLength;
        }
        catch (RequestFailedException e) when (IsMissing(e))
        {
            return null;
        }
    }

    /// <summary>A question for the head of a blob may be answered without a code.</summary>
    private static bool IsMissing(RequestFailedException e) =>
        e.ErrorCode == "BlobNotFound" || (e.Status == 404 && string.IsNullOrEmpty(e.ErrorCode));

    private async Task<int> ReadAsync(string key, Stream content, Memory<byte> destination, CancellationToken cancellationToken)
    {
        int count = await content.ReadAtLeastAsync(destination, destination.Length, throwOnEndOfStream: false, cancellationToken);
        return count == destination.Length
            ? count
            : throw new ObjectStoreException(Description, key, "The answer ended too soon.", isTransient: true);
    }

    private async Task<T> RunAsync<T>(string? key, Func<Task<T>> request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return await request();
        }
        catch (RequestFailedException e) when (key is not null && IsMissing(e))
        {
            throw new ObjectNotFoundException(Description, key, e);
        }
        catch (Exception e) when (e is not ObjectStoreException
            && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            throw _errors.Explain(key, e);
        }
    }
}

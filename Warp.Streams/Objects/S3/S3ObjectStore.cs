using System.Net;
using System.Runtime.CompilerServices;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Warp.Streams.Objects.S3;

/// <summary>
/// Objects in a bucket of S3, or of a server that speaks its protocol: MinIO, Ceph, R2, and Google Cloud Storage by its S3 interface. One
/// request an attempt: retries, deadlines and hedges are wrapped around it.
/// </summary>
/// <remarks>
/// <para>Puts are conditional (<c>If-None-Match: *</c>). Some servers refuse that header or ignore it, so the first put tries it out on an
/// object of its own (two puts and a delete); where it does not work, each put looks for an object first. Two writers of one key within the
/// same moment may then both hear that they stored; keys of record objects are never used twice.</para>
/// <para>Completing a multipart upload carries the header too, but Ceph 16 ignores it there: it always looks first.</para>
/// <para>Over TLS the bytes are not hashed for the signature; plain HTTP costs a SHA-256 of them. They are never copied for sending.</para>
/// <para>A directory bucket (S3 Express One Zone) lists in no order: it is listed folder by folder.</para>
/// </remarks>
public sealed partial class S3ObjectStore : IObjectStore
{
    /// <summary>How many keys S3 deletes in a request.</summary>
    private const int MaxDeletes = 1000;

    private readonly S3Settings _settings;
    private readonly AmazonS3Client _client;
    private readonly S3Errors _errors;
    private readonly ConditionalPutProbe _probe;
    private volatile bool _deletesOneByOne;

    private S3ObjectStore(S3Settings settings, AmazonS3Client client)
    {
        _settings = settings;
        _client = client;
        Description = settings.ToString();
        _errors = new S3Errors(Description, settings);
        _probe = new ConditionalPutProbe(settings.ConditionalPuts, SendPutAsync, SendDeleteAsync);
    }

    public string Description { get; }

    /// <summary>Opens the store. Nothing is asked of the server yet.</summary>
    /// <param name="settings">Where it is.</param>
    /// <param name="credentials">Who asks; null for what the SDK finds in the environment, in profiles, or of the machine's role.</param>
    /// <exception cref="ObjectStoreException">There is no region.</exception>
    public static S3ObjectStore Open(S3Settings settings, AWSCredentials? credentials = null)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = settings.PathStyle,
            // What wraps this store tries again, and ends attempts that take too long.
            MaxErrorRetry = 0,
            Timeout = Timeout.InfiniteTimeSpan,
            // The default, a checksum in a trailer, is refused by servers that are not AWS. Records have checksums of their own.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (settings.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.ToString();
            config.AuthenticationRegion = settings.Region ?? "us-east-1";
        }
        else if (settings.Region is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }
        try
        {
            return new S3ObjectStore(settings, credentials is null ? new AmazonS3Client(config) : new AmazonS3Client(credentials, config));
        }
        catch (AmazonClientException e)
        {
            throw new S3Errors(settings.ToString(), settings).Explain(null, e);
        }
    }

    public async Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        ObjectKeys.Validate(key);
        return await RunAsync(key, async () =>
        {
            bool isConditional = await _probe.WorksAsync(cancellationToken);
            if (!isConditional && await LengthAsync(key, cancellationToken) is not null)
                return PutOutcome.AlreadyExists;
            return await SendPutAsync(key, content, isConditional, cancellationToken);
        }, cancellationToken);
    }

    public async Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ObjectKeys.Validate(key);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        return await RunAsync(key, async () =>
        {
            if (destination.Length == 0)
                return await LengthAsync(key, cancellationToken) is null ? throw new ObjectNotFoundException(Description, key) : 0;
            var request = new GetObjectRequest
            {
                BucketName = _settings.Bucket,
                Key = _settings.Prefix + key,
                ByteRange = new ByteRange(position, position + destination.Length - 1),
            };
            try
            {
                using GetObjectResponse response = await _client.GetObjectAsync(request, cancellationToken);
                if (position > 0 && response.HttpStatusCode != HttpStatusCode.PartialContent)
                    throw new ObjectStoreException(Description, key, "The server ignores ranges; Warp cannot use it.", isTransient: false);
                int wanted = (int)Math.Min(destination.Length, response.ContentLength);
                return await ReadAsync(key, response, destination[..wanted], cancellationToken);
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                return 0;
            }
        }, cancellationToken);
    }

    public async Task<byte[]> GetAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKeys.Validate(key);
        return await RunAsync(key, async () =>
        {
            var request = new GetObjectRequest { BucketName = _settings.Bucket, Key = _settings.Prefix + key };
            using GetObjectResponse response = await _client.GetObjectAsync(request, cancellationToken);
            ObjectStores.RequireSmall(this, key, response.ContentLength);
            var bytes = new byte[response.ContentLength];
            await ReadAsync(key, response, bytes, cancellationToken);
            return bytes;
        }, cancellationToken);
    }

    public async Task<long?> HeadAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKeys.Validate(key);
        return await RunAsync(key, () => LengthAsync(key, cancellationToken), cancellationToken);
    }

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, CancellationToken cancellationToken)
    {
        ObjectKeys.ValidatePrefix(prefix);
        return _settings.IsDirectoryBucket
            ? FolderWalk.ListAsync(prefix, startAfter, folder => ReadFolderAsync(folder, cancellationToken))
            : ListInOrderAsync(prefix, startAfter, cancellationToken);
    }

    public async Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        foreach (string key in keys)
            ObjectKeys.Validate(key);
        foreach (string[] some in keys.Chunk(MaxDeletes))
            await RunAsync(some.Length == 1 ? some[0] : null, () => DeleteSomeAsync(some, cancellationToken), cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        _probe.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<PutOutcome> SendPutAsync(
        string key, IReadOnlyList<ReadOnlyMemory<byte>> content, bool isConditional, CancellationToken cancellationToken)
    {
        await using var body = new PieceStream(content);
        var request = new PutObjectRequest
        {
            BucketName = _settings.Bucket,
            Key = _settings.Prefix + key,
            InputStream = body,
            AutoCloseStream = false,
            ContentType = "application/octet-stream",
            IfNoneMatch = isConditional ? "*" : null,
            UseChunkEncoding = false,
            DisablePayloadSigning = IsTls,
        };
        try
        {
            await _client.PutObjectAsync(request, cancellationToken);
            return PutOutcome.Stored;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.PreconditionFailed)
        {
            return PutOutcome.AlreadyExists;
        }
    }

    private Task SendDeleteAsync(string key, CancellationToken cancellationToken) =>
        _client.DeleteObjectAsync(_settings.Bucket, _settings.Prefix + key, cancellationToken);

    private async Task<long?> LengthAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            GetObjectMetadataResponse head = await _client.GetObjectMetadataAsync(_settings.Bucket, _settings.Prefix + key, cancellationToken);
            return head.ContentLength;
        }
        catch (AmazonS3Exception e) when (S3Errors.IsMissing(e))
        {
            return null;
        }
    }

    private async Task<int> ReadAsync(string key, GetObjectResponse response, Memory<byte> destination, CancellationToken cancellationToken)
    {
        int count = await response.ResponseStream.ReadAtLeastAsync(destination, destination.Length, throwOnEndOfStream: false, cancellationToken);
        return count == destination.Length
            ? count
            : throw new ObjectStoreException(Description, key, "The answer ended too soon.", isTransient: true);
    }

    private async IAsyncEnumerable<ObjectInfo> ListInOrderAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request
        {
            BucketName = _settings.Bucket,
            Prefix = _settings.Prefix + prefix,
            StartAfter = startAfter is null ? null : _settings.Prefix + startAfter,
        };
        do
        {
            ListObjectsV2Response page = await RunAsync(null, () => _client.ListObjectsV2Async(request, cancellationToken), cancellationToken);
            foreach (S3Object found in page.S3Objects ?? [])
                yield return new ObjectInfo(found.Key[_settings.Prefix.Length..], found.Size ?? 0, TimeOf(found));
            request.ContinuationToken = page.NextContinuationToken;
        }
        while (request.ContinuationToken is not null);
    }

    private async Task<List<FolderEntry>> ReadFolderAsync(string folder, CancellationToken cancellationToken)
    {
        var entries = new List<FolderEntry>();
        var request = new ListObjectsV2Request { BucketName = _settings.Bucket, Prefix = _settings.Prefix + folder, Delimiter = "/" };
        do
        {
            ListObjectsV2Response page = await RunAsync(null, () => _client.ListObjectsV2Async(request, cancellationToken), cancellationToken);
            foreach (string found in page.CommonPrefixes ?? [])
                entries.Add(FolderEntry.Folder(found[_settings.Prefix.Length..]));
            foreach (S3Object found in page.S3Objects ?? [])
                entries.Add(new FolderEntry(found.Key[_settings.Prefix.Length..], IsFolder: false, found.Size ?? 0, TimeOf(found)));
            request.ContinuationToken = page.NextContinuationToken;
        }
        while (request.ContinuationToken is not null);
        return entries;
    }

    private static DateTimeOffset TimeOf(S3Object found) => new((found.LastModified ?? DateTime.UnixEpoch).ToUniversalTime());

    private async Task<bool> DeleteSomeAsync(string[] keys, CancellationToken cancellationToken)
    {
        if (keys.Length > 1 && !_deletesOneByOne)
        {
            try
            {
                await _client.DeleteObjectsAsync(
                    new DeleteObjectsRequest
                    {
                        BucketName = _settings.Bucket,
                        Objects = [.. keys.Select(key => new KeyVersion { Key = _settings.Prefix + key })],
                        Quiet = true,
                    },
                    cancellationToken);
                return true;
            }
            catch (DeleteObjectsException e) when (e.Response.DeleteErrors is [var first, ..])
            {
                // Each has a code of its own, but the first says enough.
                HttpStatusCode status = first.Code == "AccessDenied" ? HttpStatusCode.Forbidden : HttpStatusCode.InternalServerError;
                throw new AmazonS3Exception(first.Message, ErrorType.Unknown, first.Code, "", status);
            }
            catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.NotImplemented or HttpStatusCode.MethodNotAllowed)
            {
                _deletesOneByOne = true;
            }
        }
        foreach (string key in keys)
            await SendDeleteAsync(key, cancellationToken);
        return true;
    }

    private bool IsTls => _settings.Endpoint is null || _settings.Endpoint.Scheme == Uri.UriSchemeHttps;

    private async Task<T> RunAsync<T>(string? key, Func<Task<T>> request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return await request();
        }
        catch (AmazonS3Exception e) when (key is not null && S3Errors.IsMissing(e))
        {
            throw new ObjectNotFoundException(Description, key, e);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // A broken connection can be what a cancellation looks like from below.
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception e) when (e is not ObjectStoreException)
        {
            // Whatever it is: below a broken connection there are also errors that are no IOException.
            throw _errors.Explain(key, e);
        }
    }
}

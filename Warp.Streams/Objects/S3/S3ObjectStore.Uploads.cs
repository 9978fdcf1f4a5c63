using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace Warp.Streams.Objects.S3;

public sealed partial class S3ObjectStore
{
    public async Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKeys.Validate(key);
        return await RunAsync(key, async () =>
        {
            InitiateMultipartUploadResponse started = await _client.InitiateMultipartUploadAsync(
                new InitiateMultipartUploadRequest
                {
                    BucketName = _settings.Bucket,
                    Key = _settings.Prefix + key,
                    ContentType = "application/octet-stream",
                },
                cancellationToken);
            return new Upload(this, key, started.UploadId);
        }, cancellationToken);
    }

    public async Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken)
    {
        ObjectKeys.ValidatePrefix(prefix);
        int aborted = 0;
        var request = new ListMultipartUploadsRequest { BucketName = _settings.Bucket, Prefix = _settings.Prefix + prefix };
        bool isMore;
        do
        {
            ListMultipartUploadsResponse page = await RunAsync(
                null, () => _client.ListMultipartUploadsAsync(request, cancellationToken), cancellationToken);
            foreach (Amazon.S3.Model.MultipartUpload upload in page.MultipartUploads ?? [])
            {
                if (upload.Initiated is not { } started || started.ToUniversalTime() >= startedBefore.UtcDateTime)
                    continue;
                await RunAsync(null, () => CancelAsync(upload.Key, upload.UploadId, cancellationToken), cancellationToken);
                aborted++;
            }
            isMore = page.IsTruncated ?? false;
            request.KeyMarker = page.NextKeyMarker;
            request.UploadIdMarker = page.NextUploadIdMarker;
        }
        while (isMore);
        return aborted;
    }

    /// <summary>Gives an upload up; one that is not there is fine.</summary>
    private async Task<bool> CancelAsync(string keyInBucket, string uploadId, CancellationToken cancellationToken)
    {
        try
        {
            await _client.AbortMultipartUploadAsync(
                new AbortMultipartUploadRequest { BucketName = _settings.Bucket, Key = keyInBucket, UploadId = uploadId }, cancellationToken);
        }
        catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchUpload")
        {
            return false;
        }
        return true;
    }

    private async Task<bool> IsUploadOpenAsync(string keyInBucket, string uploadId, CancellationToken cancellationToken)
    {
        try
        {
            await _client.ListPartsAsync(
                new ListPartsRequest { BucketName = _settings.Bucket, Key = keyInBucket, UploadId = uploadId, MaxParts = 1 }, cancellationToken);
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
    }

    private sealed class Upload(S3ObjectStore store, string key, string uploadId)
        : Warp.Streams.Objects.MultipartUpload(store.Description, key)
    {
        private readonly List<PartETag> _parts = [];
        private bool _mayBeStored;

        private string KeyInBucket => store._settings.Prefix + Key;

        protected override Task WriteAsync(int number, IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken) =>
            RunAsync(async () =>
            {
                await using var body = new PieceStream(part);
                UploadPartResponse stored = await store._client.UploadPartAsync(
                    new UploadPartRequest
                    {
                        BucketName = store._settings.Bucket,
                        Key = KeyInBucket,
                        UploadId = uploadId,
                        PartNumber = number,
                        PartSize = body.Length,
                        InputStream = body,
                        UseChunkEncoding = false,
                        DisablePayloadSigning = store.IsTls,
                    },
                    cancellationToken);
                _parts.Add(new PartETag(number, stored.ETag));
                return true;
            }, cancellationToken);

        protected override async Task<PutOutcome> FinishAsync(CancellationToken cancellationToken)
        {
            if (_parts.Count == 0)
            {
                // S3 has no upload without parts.
                await CancelAsync(cancellationToken);
                return await store.PutAsync(Key, [], cancellationToken);
            }
            return await RunAsync(() => SendCompleteAsync(cancellationToken), cancellationToken);
        }

        protected override Task CancelAsync(CancellationToken cancellationToken) =>
            RunAsync(() => store.CancelAsync(KeyInBucket, uploadId, cancellationToken), cancellationToken);

        private async Task<PutOutcome> SendCompleteAsync(CancellationToken cancellationToken)
        {
            if (await store.LengthAsync(Key, cancellationToken) is not null)
            {
                // If an attempt that seemed to fail has completed the upload, there is no upload to cancel any more.
                bool wasOpen = await store.CancelAsync(KeyInBucket, uploadId, cancellationToken);
                return _mayBeStored && !wasOpen ? PutOutcome.Stored : PutOutcome.AlreadyExists;
            }
            try
            {
                _mayBeStored = true;
                await store._client.CompleteMultipartUploadAsync(
                    new CompleteMultipartUploadRequest
                    {
                        BucketName = store._settings.Bucket,
                        Key = KeyInBucket,
                        UploadId = uploadId,
                        PartETags = _parts,
                        IfNoneMatch = "*",
                    },
                    cancellationToken);
                return PutOutcome.Stored;
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.PreconditionFailed)
            {
                await store.CancelAsync(KeyInBucket, uploadId, cancellationToken);
                return PutOutcome.AlreadyExists;
            }
            catch (AmazonS3Exception e) when (e.StatusCode >= HttpStatusCode.InternalServerError)
            {
                // Ceph answers so when the upload is gone, whoever has completed or aborted it.
                if (!await store.IsUploadOpenAsync(KeyInBucket, uploadId, cancellationToken))
                    return await store.LengthAsync(Key, cancellationToken) is not null ? PutOutcome.Stored : throw Aborted();
                throw;
            }
        }

        private Task<T> RunAsync<T>(Func<Task<T>> request, CancellationToken cancellationToken) => store.RunAsync(
            Key,
            async () =>
            {
                try
                {
                    return await request();
                }
                catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchUpload")
                {
                    throw Aborted();
                }
            },
            cancellationToken);
    }
}

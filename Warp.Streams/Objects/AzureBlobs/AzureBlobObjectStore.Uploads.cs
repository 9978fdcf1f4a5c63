using System.Buffers.Binary;
using System.Security.Cryptography;
using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Warp.Streams.Objects.AzureBlobs;

public sealed partial class AzureBlobObjectStore
{
    public Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken)
    {
        BlockBlobClient blob = Blob(key);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<IMultipartUpload>(new Upload(this, key, blob));
    }

    /// <summary>Does nothing: Azure itself discards blocks that are not committed, a week after the last one.</summary>
    public Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken)
    {
        ObjectKeys.ValidatePrefix(prefix);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(0);
    }

    private sealed class Upload(AzureBlobObjectStore store, string key, BlockBlobClient blob) : MultipartUpload(store.Description, key)
    {
        private readonly List<string> _blocks = [];

        /// <summary>Uploads of one key share the names of their blocks: this tells them apart.</summary>
        private readonly byte[] _name = RandomNumberGenerator.GetBytes(16);

        private bool _mayBeStored;

        protected override Task WriteAsync(int number, IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken) =>
            store.RunAsync(Key, async () =>
            {
                string block = NameOf(number);
                await using var body = new PieceStream(part);
                // Azure takes no empty block.
                if (body.Length > 0)
                {
                    await blob.StageBlockAsync(block, body, cancellationToken: cancellationToken);
                    _blocks.Add(block);
                }
                return true;
            }, cancellationToken);

        protected override Task<PutOutcome> FinishAsync(CancellationToken cancellationToken) => store.RunAsync(Key, async () =>
        {
            try
            {
                bool mayBeStored = _mayBeStored;
                _mayBeStored = true;
                PutOutcome outcome = await PutIfAbsentAsync(() => blob.CommitBlockListAsync(
                    _blocks,
                    new CommitBlockListOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } },
                    cancellationToken));
                return mayBeStored && outcome == PutOutcome.AlreadyExists && await HasMyBlocksAsync(cancellationToken)
                    ? PutOutcome.Stored
                    : outcome;
            }
            catch (RequestFailedException e) when (e.ErrorCode is "InvalidBlockList" or "InvalidBlockId")
            {
                // Whoever stores a blob of this key discards everybody's blocks that wait for it.
                return await LengthAsync(blob, cancellationToken) is not null ? PutOutcome.AlreadyExists : throw Aborted();
            }
        }, cancellationToken);

        protected override Task CancelAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        private async Task<bool> HasMyBlocksAsync(CancellationToken cancellationToken)
        {
            BlockList list = await blob.GetBlockListAsync(BlockListTypes.Committed, cancellationToken: cancellationToken);
            return list.CommittedBlocks.Select(static block => block.Name).SequenceEqual(_blocks);
        }

        private string NameOf(int number)
        {
            Span<byte> name = stackalloc byte[_name.Length + sizeof(int)];
            _name.CopyTo(name);
            BinaryPrimitives.WriteInt32BigEndian(name[_name.Length..], number);
            return Convert.ToBase64String(name);
        }
    }
}

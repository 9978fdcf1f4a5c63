namespace Warp.Streams.Objects;

/// <summary>
/// An object on its way into a store in parts, so that no more than a part of it need be in memory. Nobody sees anything of it before
/// <see cref="CompleteAsync"/> has stored it whole. One call at a time; a call that failed may be made again.
/// </summary>
/// <remarks>
/// Every part but the last has at least <see cref="MinPartSize"/> bytes, and none more than <see cref="MaxPartSize"/>: S3's rules. Parts of
/// one size suit every store (Cloudflare R2 takes no others). To dispose of an upload that was not completed aborts it; if the store fails
/// then, what is left is found by <see cref="IObjectStore.AbortUploadsAsync"/>.
/// </remarks>
public interface IMultipartUpload : IAsyncDisposable
{
    /// <summary>The least length of a part that is not the last one, in bytes.</summary>
    const int MinPartSize = 5 << 20;

    /// <summary>The greatest length of a part, in bytes. S3 would take more; no attempt should carry more.</summary>
    const int MaxPartSize = 256 << 20;

    /// <summary>The most parts of an object.</summary>
    const int MaxParts = 10_000;

    /// <summary>The key that the object will have.</summary>
    string Key { get; }

    /// <summary>Appends a part. If that fails, the same part may be appended again and takes the place of the failed one.</summary>
    /// <param name="part">The part's bytes, in pieces. They are the store's until the call has ended.</param>
    /// <param name="cancellationToken">After a cancellation the part counts as failed.</param>
    /// <exception cref="InvalidOperationException">The part before was shorter than <see cref="MinPartSize"/>, this one is too long, or
    /// there are too many.</exception>
    Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken);

    /// <summary>Makes the parts an object if there is none of that key; it is durable when the call has ended.</summary>
    /// <remarks>A store that cannot put multipart objects conditionally looks for an object first; of two that complete uploads of one key
    /// within the same moment, both may then hear that they stored.</remarks>
    Task<PutOutcome> CompleteAsync(CancellationToken cancellationToken);

    /// <summary>Gives the upload up, and what it has stored of the parts; nothing to do after it has been completed.</summary>
    Task AbortAsync(CancellationToken cancellationToken);
}

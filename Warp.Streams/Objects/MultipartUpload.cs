namespace Warp.Streams.Objects;

/// <summary>What the uploads of all stores have in common: the rules of parts, and which calls are allowed when.</summary>
/// <param name="store">The store's description.</param>
/// <param name="key">The key that the object will have.</param>
internal abstract class MultipartUpload(string store, string key) : IMultipartUpload
{
    private int _parts;
    private bool _hasShortPart;
    private PutOutcome? _outcome;
    private bool _isAborted;

    public string Key => key;

    /// <summary>The length of the parts that were appended, in bytes.</summary>
    protected long Length { get; private set; }

    public async Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken)
    {
        long length = ObjectStores.LengthOf(part);
        RequireOpen();
        if (_hasShortPart)
            throw new InvalidOperationException($"Only the last part of {key} may be shorter than {IMultipartUpload.MinPartSize} bytes.");
        if (length > IMultipartUpload.MaxPartSize)
            throw new InvalidOperationException($"A part of {key} has {length} bytes; at most {IMultipartUpload.MaxPartSize} are allowed.");
        if (_parts == IMultipartUpload.MaxParts)
            throw new InvalidOperationException($"{key} would have more than {IMultipartUpload.MaxParts} parts.");
        cancellationToken.ThrowIfCancellationRequested();
        await WriteAsync(_parts + 1, part, cancellationToken);
        _parts++;
        Length += length;
        _hasShortPart = length < IMultipartUpload.MinPartSize;
    }

    public async Task<PutOutcome> CompleteAsync(CancellationToken cancellationToken)
    {
        if (_outcome is { } known)
            return known;
        RequireOpen();
        cancellationToken.ThrowIfCancellationRequested();
        PutOutcome outcome = await FinishAsync(cancellationToken);
        _outcome = outcome;
        return outcome;
    }

    public async Task AbortAsync(CancellationToken cancellationToken)
    {
        if (_outcome is not null || _isAborted)
            return;
        await CancelAsync(cancellationToken);
        _isAborted = true;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await AbortAsync(CancellationToken.None);
        }
        catch (ObjectStoreException)
        {
            // It is found and aborted by age.
        }
    }

    /// <summary>Stores a part after those of lower numbers, in the place of one that failed before.</summary>
    /// <param name="number">1 for the first.</param>
    /// <param name="part">Its bytes.</param>
    /// <param name="cancellationToken">Stops it.</param>
    protected abstract Task WriteAsync(int number, IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken);

    /// <summary>Makes the parts an object. Called again after a failure, it finds out whether that one had stored the object.</summary>
    protected abstract Task<PutOutcome> FinishAsync(CancellationToken cancellationToken);

    /// <summary>Removes the parts.</summary>
    protected abstract Task CancelAsync(CancellationToken cancellationToken);

    /// <summary>What an upload says that another has aborted.</summary>
    protected ObjectStoreException Aborted() => new(
        store, key, "The upload was given up meanwhile, as one that nobody finishes. Start it again.", isTransient: false);

    private void RequireOpen()
    {
        if (_outcome is not null)
            throw new InvalidOperationException($"The upload of {key} has been completed.");
        if (_isAborted)
            throw Aborted();
    }
}

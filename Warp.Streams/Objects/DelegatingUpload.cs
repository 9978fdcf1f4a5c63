namespace Warp.Streams.Objects;

/// <summary>An upload that hands everything on to another.</summary>
/// <param name="inner">The upload that does the work; disposed with this one.</param>
internal abstract class DelegatingUpload(IMultipartUpload inner) : IMultipartUpload
{
    public string Key => inner.Key;

    public virtual Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken) =>
        inner.AppendAsync(part, cancellationToken);

    public virtual Task<PutOutcome> CompleteAsync(CancellationToken cancellationToken) => inner.CompleteAsync(cancellationToken);

    public virtual Task AbortAsync(CancellationToken cancellationToken) => inner.AbortAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}

namespace Warp.Node.Handlers;

/// <summary>
/// Producer ids for this node, from blocks that the catalog journals before the first of them is used; what is left of a block when the
/// node stops is never given out. Thread-safe.
/// </summary>
public sealed class ProducerIdPool(CatalogClient catalog)
{
    /// <summary>Ids in a block: a write of the journal for every thousandth producer.</summary>
    public const int BlockSize = 1000;

    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private long _next;
    private long _end;
    private Task<bool>? _reserving;

    /// <summary>An id that nobody has had; null when the catalog does not give a block.</summary>
    public async ValueTask<long?> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<bool> reserving;
            lock (_gate)
            {
                if (_next < _end)
                    return _next++;
                reserving = _reserving ??= ReserveAsync();
            }
            if (!await reserving.WaitAsync(cancellationToken))
                return null;
        }
    }

    private async Task<bool> ReserveAsync()
    {
        // Not within the lock of who was first to run out.
        await Task.Yield();
        long? first = await catalog.ReserveProducerIdsAsync(BlockSize, s_wait, CancellationToken.None);
        lock (_gate)
        {
            _reserving = null;
            if (first is not { } start)
                return false;
            _next = start;
            _end = start + BlockSize;
            return true;
        }
    }
}

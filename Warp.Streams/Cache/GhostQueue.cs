namespace Warp.Streams.Cache;

/// <summary>The keys of what was evicted last, as far back as a number of bytes. Not thread-safe.</summary>
/// <param name="capacity">How many bytes the values of the remembered keys had together, at most.</param>
internal sealed class GhostQueue<TKey>(long capacity)
    where TKey : notnull
{
    private readonly Dictionary<TKey, long> _ticketOf = [];
    private readonly Queue<(TKey Key, long Ticket, long Bytes)> _queue = [];
    private long _bytes;
    private long _lastTicket;

    public void Add(TKey key, long bytes)
    {
        _ticketOf[key] = ++_lastTicket;
        _queue.Enqueue((key, _lastTicket, bytes));
        _bytes += bytes;
        while (_bytes > capacity)
        {
            (TKey oldest, long ticket, long oldestBytes) = _queue.Dequeue();
            _bytes -= oldestBytes;
            // A key that came back since has another ticket, or none.
            if (_ticketOf.TryGetValue(oldest, out long current) && current == ticket)
                _ticketOf.Remove(oldest);
        }
    }

    /// <summary>Forgets a key; true if it was remembered.</summary>
    public bool Remove(TKey key) => _ticketOf.Remove(key);
}

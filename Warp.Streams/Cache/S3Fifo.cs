using System.Diagnostics.CodeAnalysis;

namespace Warp.Streams.Cache;

/// <summary>
/// Which entries of a cache stay: S3-FIFO (Yang et al., SOSP 2023), counted in bytes. What was read goes through a small queue, from
/// which only what was used again moves to the main queue; the keys that did not make it are remembered as ghosts and go straight to
/// the main queue when they come back. Not thread-safe.
/// </summary>
/// <remarks>
/// Two things are different here, because these entries are pieces of logs:
/// <list type="bullet">
/// <item>What was just written has a queue of its own, the live queue. It leaves in the order in which it came, used or not: in a log
/// what is newer is read sooner. If it is wanted later all the same it comes back through the ghosts, for one read.</item>
/// <item>A chunk holds many batches, so one pass over old data uses each chunk several times in a row. To S3-FIFO as published that
/// would look popular. Here a use counts only if as many bytes as the small queue's share have been added since the last one that counted:
/// uses of one pass are one use.</item>
/// </list>
/// A queue may be larger than its share while another one does not use its own. The live queue's share is a half; the main queue has what
/// the others leave.
/// </remarks>
/// <param name="capacity">Bytes that the entries should fill; the owner trims.</param>
/// <param name="smallShare">How many of them are the small queue's.</param>
/// <param name="evicted">Gets each value that leaves.</param>
internal sealed class S3Fifo<TKey, TValue>(long capacity, long smallShare, Action<TValue> evicted)
    where TKey : notnull
    where TValue : class
{
    private const int MaxUses = 3;

    private readonly long _liveTarget = capacity / 2;
    private readonly long _oneUse = Math.Max(1, smallShare);
    private readonly Dictionary<TKey, Entry> _entries = [];
    private readonly Queue<Entry> _small = [];
    private readonly Queue<Entry> _live = [];
    private readonly Queue<Entry> _main = [];
    private readonly GhostQueue<TKey> _ghosts = new(capacity - smallShare);
    private long _smallBytes;
    private long _liveBytes;
    private long _mainBytes;
    private long _addedBytes;

    /// <summary>Bytes of all entries.</summary>
    public long Bytes => _smallBytes + _liveBytes + _mainBytes;

    public bool Contains(TKey key) => _entries.ContainsKey(key);

    /// <summary>Finds an entry, and counts the use.</summary>
    public bool TryUse(TKey key, [NotNullWhen(true)] out TValue? value)
    {
        value = null;
        if (!_entries.TryGetValue(key, out Entry? entry))
            return false;
        if (_addedBytes - entry.CountedAt >= _oneUse)
        {
            entry.Uses = Math.Min(entry.Uses + 1, MaxUses);
            entry.CountedAt = _addedBytes;
        }
        value = entry.Value;
        return true;
    }

    /// <summary>Adds an entry of a key that is not there.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="value">Its value.</param>
    /// <param name="bytes">What it is charged.</param>
    /// <param name="isNew">Whether it was just written, rather than read.</param>
    public void Add(TKey key, TValue value, long bytes, bool isNew)
    {
        _addedBytes += bytes;
        var entry = new Entry(key, value, bytes) { CountedAt = _addedBytes };
        _entries.Add(key, entry);
        if (isNew)
            AddToLive(entry);
        else if (_ghosts.Remove(key))
            AddToMain(entry);
        else
            AddToSmall(entry);
    }

    /// <summary>Evicts until the entries have at most that many bytes.</summary>
    public void Trim(long bytes)
    {
        while (Bytes > bytes)
        {
            bool othersAreEmpty = _live.Count == 0 && _main.Count == 0;
            if (_smallBytes > smallShare || othersAreEmpty)
                TrimSmall();
            else if (_liveBytes > _liveTarget || _main.Count == 0)
                TrimLive();
            else
                TrimMain();
        }
    }

    private void TrimSmall()
    {
        Entry entry = _small.Dequeue();
        _smallBytes -= entry.Bytes;
        if (entry.Uses > 0)
        {
            entry.Uses = 0;
            AddToMain(entry);
            return;
        }
        _ghosts.Add(entry.Key, entry.Bytes);
        Evict(entry);
    }

    private void TrimLive()
    {
        Entry entry = _live.Dequeue();
        _liveBytes -= entry.Bytes;
        _ghosts.Add(entry.Key, entry.Bytes);
        Evict(entry);
    }

    private void TrimMain()
    {
        Entry entry = _main.Dequeue();
        _mainBytes -= entry.Bytes;
        if (entry.Uses > 0)
        {
            entry.Uses--;
            AddToMain(entry);
            return;
        }
        Evict(entry);
    }

    private void AddToSmall(Entry entry)
    {
        _small.Enqueue(entry);
        _smallBytes += entry.Bytes;
    }

    private void AddToLive(Entry entry)
    {
        _live.Enqueue(entry);
        _liveBytes += entry.Bytes;
    }

    private void AddToMain(Entry entry)
    {
        _main.Enqueue(entry);
        _mainBytes += entry.Bytes;
    }

    private void Evict(Entry entry)
    {
        _entries.Remove(entry.Key);
        evicted(entry.Value);
    }

    private sealed class Entry(TKey key, TValue value, long bytes)
    {
        public TKey Key { get; } = key;

        public TValue Value { get; } = value;

        public long Bytes { get; } = bytes;

        public int Uses { get; set; }

        /// <summary>How many bytes had been added to the queues when a use was last counted.</summary>
        public long CountedAt { get; set; }
    }
}

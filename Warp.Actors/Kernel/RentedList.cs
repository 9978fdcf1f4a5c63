using System.Buffers;
using System.Collections;

namespace Warp.Actors.Kernel;

/// <summary>
/// A list of fixed length in memory of the shared pool, for answers that are given all the time. Who is the last to use it disposes of it, once;
/// nothing is lost but the memory's use when nobody does.
/// </summary>
public sealed class RentedList<T>(int count) : IReadOnlyList<T>, IDisposable
{
    private T[] _items = ArrayPool<T>.Shared.Rent(count);

    public int Count { get; private set; } = count;

    /// <summary>The items; whoever makes the list sets each of them.</summary>
    public Span<T> Items => _items.AsSpan(0, Count);

    public T this[int index] => Items[index];

    public IEnumerator<T> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
            yield return _items[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        Count = 0;
        T[] items = Interlocked.Exchange(ref _items, []);
        if (items.Length > 0)
            ArrayPool<T>.Shared.Return(items, clearArray: true);
    }
}

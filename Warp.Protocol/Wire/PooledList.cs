using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Warp.Protocol.Wire;

/// <summary>
/// A list in an array of the shared pool, for what is filled and given up many times a second. Whoever has the list gives the array back,
/// once. Not thread-safe; a copy is the same array.
/// </summary>
public struct PooledList<T>
{
    private const int FirstCapacity = 16;

    /// <summary>The elements, of which the first <see cref="Count"/> are the list's; null while nothing was added.</summary>
    public T[]? Array { get; private set; }

    public int Count { get; private set; }

    public readonly ReadOnlySpan<T> Span => Array.AsSpan(0, Count);

    /// <summary>The last element; there must be one.</summary>
    public readonly ref T Last => ref Array![Count - 1];

    public void Add(T item)
    {
        if (Array is null || Count == Array.Length)
            Grow();
        Array[Count++] = item;
    }

    /// <summary>Gives the array back, and what is in it up.</summary>
    public void Return()
    {
        if (Array is { } array)
            ArrayPool<T>.Shared.Return(array, clearArray: true);
        this = default;
    }

    [MemberNotNull(nameof(Array))]
    private void Grow()
    {
        T[] larger = ArrayPool<T>.Shared.Rent(Math.Max(FirstCapacity, 2 * Count));
        if (Array is { } array)
        {
            Span.CopyTo(larger);
            ArrayPool<T>.Shared.Return(array, clearArray: true);
        }
        Array = larger;
    }
}

namespace Warp.Protocol.Wire;

/// <summary>
/// Objects that are used again and again. A flush gives back hundreds in one moment, which the framework's pools are too small for.
/// Thread-safe.
/// </summary>
/// <param name="create">Makes one when none is idle.</param>
/// <param name="maxIdle">So many are kept for later, at most.</param>
public sealed class ObjectPool<T>(Func<T> create, int maxIdle)
    where T : class
{
    private readonly Lock _gate = new();
    private readonly Stack<T> _idle = new();

    public T Rent()
    {
        lock (_gate)
        {
            if (_idle.TryPop(out T? idle))
                return idle;
        }
        return create();
    }

    /// <summary>Takes back an object that nobody else may use any more.</summary>
    public void Return(T item)
    {
        lock (_gate)
        {
            if (_idle.Count < maxIdle)
                _idle.Push(item);
        }
    }
}

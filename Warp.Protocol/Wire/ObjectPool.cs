namespace Warp.Protocol.Wire;

/// <summary>
/// Objects that are used again and again. A flush gives back hundreds in one moment, which the framework's pools are too small for.
/// Thread-safe.
/// </summary>
/// <param name="maxIdle">So many are kept for later, at most.</param>
public sealed class ObjectPool<T>(int maxIdle)
    where T : class
{
    private readonly Lock _gate = new();
    private readonly Stack<T> _idle = new();

    /// <summary>Takes an idle one; null when a new one has to be made.</summary>
    public T? TryRent()
    {
        lock (_gate)
            return _idle.TryPop(out T? idle) ? idle : null;
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

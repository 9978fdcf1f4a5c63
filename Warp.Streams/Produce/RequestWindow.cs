namespace Warp.Streams.Produce;

/// <summary>
/// Learns how many requests a client sends before it waits for an answer (its <c>max.in.flight</c>), which it does not say: the number of
/// unanswered ones rises to the same height each time. Thread-safe.
/// </summary>
public sealed class RequestWindow
{
    /// <summary>So often must the same height come again.</summary>
    private const int Confirmations = 3;

    private readonly Lock _gate = new();
    private int _height;
    private int _confirmations;
    private bool _isRising;

    /// <summary>The height; 0 while it is not known, or differs from time to time.</summary>
    public int Size
    {
        get
        {
            lock (_gate)
                return _confirmations >= Confirmations ? _height : 0;
        }
    }

    /// <summary>Notes that a request came.</summary>
    public void Came()
    {
        lock (_gate)
            _isRising = true;
    }

    /// <summary>Notes that requests have been answered.</summary>
    /// <param name="unanswered">How many were unanswered until then.</param>
    public void Answered(int unanswered)
    {
        lock (_gate)
        {
            if (!_isRising)
                return;
            _isRising = false;
            _confirmations = unanswered == _height ? Math.Min(_confirmations + 1, Confirmations) : 0;
            _height = unanswered;
        }
    }
}

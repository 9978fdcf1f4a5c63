using System.Threading.Tasks.Sources;

namespace Warp.Streams.Produce;

/// <summary>
/// The batches of one produce request on their way to the store. It is its own awaitable, once: a request costs one object, however many
/// batches it has.
/// </summary>
public class PendingRequest : IValueTaskSource<bool>
{
    private ManualResetValueTaskSourceCore<bool> _ended = new() { RunContinuationsAsynchronously = true };
    private int _unanswered;
    private int _isEnded;

    /// <param name="batches">In the order of the request; one or more.</param>
    /// <param name="timeout">How long the client waits.</param>
    /// <param name="source">Whose it is; null where it is not known whether that will send more.</param>
    public PendingRequest(List<PendingBatch> batches, TimeSpan timeout, IProduceSource? source = null)
    {
        Batches = batches;
        Timeout = timeout;
        Source = source ?? UnknownSource.Instance;
        _unanswered = batches.Count;
        foreach (PendingBatch batch in batches)
            batch.Request = this;
    }

    public List<PendingBatch> Batches { get; }

    public TimeSpan Timeout { get; }

    public IProduceSource Source { get; }

    /// <summary>True once every batch is answered; false when the client's time was over before.</summary>
    public ValueTask<bool> WhenAnswered => new(this, Version);

    /// <summary>What a value task that is made of it must name.</summary>
    protected short Version => _ended.Version;

    /// <summary>When it came to the pipeline, in the pipeline's time.</summary>
    internal TimeSpan GatheredAt { get; set; }

    /// <summary>Whether somebody still waits for it.</summary>
    internal bool IsEnded => Volatile.Read(ref _isEnded) != 0;

    internal void CountAnswer()
    {
        if (Interlocked.Decrement(ref _unanswered) == 0)
            End(isAnswered: true);
    }

    /// <summary>Tells the client that its time is over. The batches go on.</summary>
    internal void GiveUp() => End(isAnswered: false);

    public bool GetResult(short token) => _ended.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _ended.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _ended.OnCompleted(continuation, state, token, flags);

    private void End(bool isAnswered)
    {
        if (Interlocked.Exchange(ref _isEnded, 1) == 0)
            _ended.SetResult(isAnswered);
    }

    /// <summary>Somebody of whom more can come at any time.</summary>
    private sealed class UnknownSource : IProduceSource
    {
        public static readonly UnknownSource Instance = new();

        public int UnansweredRequests => int.MaxValue;

        public bool IsAtBound => false;

        public int UsualWindow => 0;

        public TimeSpan Silence => TimeSpan.Zero;
    }
}

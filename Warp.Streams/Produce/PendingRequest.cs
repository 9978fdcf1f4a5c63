using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;

namespace Warp.Streams.Produce;

/// <summary>
/// The batches of one produce request on their way to the store. It is its own awaitable, once: a request costs one object, however many
/// batches it has, and none where it is used again.
/// </summary>
/// <remarks>
/// It may be used again, with its batches, once each of them has been answered and whoever asked has left (<see cref="Leave"/>). Nobody
/// looks at a batch after it has been answered; where that is not certain, the request is kept from being used again. Who only wants
/// to know whether a request still waits remembers its <see cref="Life"/>.
/// </remarks>
public class PendingRequest : IValueTaskSource<bool>
{
    private readonly List<PendingBatch> _batches;
    private ManualResetValueTaskSourceCore<bool> _ended = new() { RunContinuationsAsynchronously = true };
    private int _count;
    private int _unanswered;
    private int _users;
    private int _life;
    private volatile bool _isKept;

    /// <param name="batches">In the order of the request; one or more.</param>
    /// <param name="timeout">How long the client waits.</param>
    /// <param name="source">Whose it is; null where it is not known whether that will send more.</param>
    public PendingRequest(List<PendingBatch> batches, TimeSpan timeout, IProduceSource? source = null)
    {
        _batches = batches;
        _count = batches.Count;
        Begin(timeout, source);
    }

    /// <summary>One without batches, to be filled (<see cref="Add"/>) and begun, again and again.</summary>
    protected PendingRequest() => _batches = [];

    public ReadOnlySpan<PendingBatch> Batches => CollectionsMarshal.AsSpan(_batches)[.._count];

    public TimeSpan Timeout { get; private set; }

    public IProduceSource Source { get; private set; } = UnknownSource.Instance;

    /// <summary>True once every batch is answered; false when the client's time was over before.</summary>
    public ValueTask<bool> WhenAnswered => new(this, Version);

    /// <summary>What a value task that is made of it must name.</summary>
    protected short Version => _ended.Version;

    /// <summary>When it came to the pipeline, in the pipeline's time.</summary>
    internal TimeSpan GatheredAt { get; set; }

    /// <summary>Changes when it ends, and never comes back to an earlier value (before it has been used a billion times).</summary>
    internal int Life => Volatile.Read(ref _life);

    /// <summary>A batch of an earlier use, to be begun anew and added; null where there is none.</summary>
    protected PendingBatch? Spare => _count < _batches.Count ? _batches[_count] : null;

    /// <summary>How many batches it has room for without a new object.</summary>
    protected int Capacity => _batches.Count;

    internal void CountAnswer()
    {
        if (Interlocked.Decrement(ref _unanswered) == 0)
            End(Life, isAnswered: true);
        Leave();
    }

    /// <summary>Tells the client that its time is over, if the request's life is still that. The batches go on.</summary>
    internal void GiveUp(int life) => End(life, isAnswered: false);

    /// <summary>Never uses it again: somebody may look at its batches at any time.</summary>
    internal void KeepFromReuse() => _isKept = true;

    /// <summary>Gives back the bytes of its batches: it comes to nothing before it has begun. Not to be used any more.</summary>
    public void Abandon()
    {
        foreach (PendingBatch batch in Batches)
            batch.ReleaseBytes();
    }

    public bool GetResult(short token) => _ended.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _ended.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _ended.OnCompleted(continuation, state, token, flags);

    /// <summary>Adds a batch: the spare one, if there is one.</summary>
    protected void Add(PendingBatch batch)
    {
        if (_count == _batches.Count)
            _batches.Add(batch);
        else if (_batches[_count] != batch)
            throw new ArgumentException("There was a batch to be used again.", nameof(batch));
        _count++;
    }

    /// <summary>Has all its batches, which may be answered from now on.</summary>
    protected void Begin(TimeSpan timeout, IProduceSource? source)
    {
        Timeout = timeout;
        Source = source ?? UnknownSource.Instance;
        _unanswered = _count;
        _users = _count + 1;
        foreach (PendingBatch batch in Batches)
            batch.Request = this;
    }

    /// <summary>Whoever asked has no more to do with it.</summary>
    protected void Leave()
    {
        if (Interlocked.Decrement(ref _users) != 0 || _isKept)
            return;
        _count = 0;
        Source = UnknownSource.Instance;
        _ended.Reset();
        // Even again; one without batches had not ended.
        Volatile.Write(ref _life, (_life | 1) + 1);
        Recycle();
    }

    /// <summary>Nobody uses it any more.</summary>
    protected virtual void Recycle()
    {
    }

    private void End(int life, bool isAnswered)
    {
        // Odd once it has ended.
        if (int.IsEvenInteger(life) && Interlocked.CompareExchange(ref _life, life + 1, life) == life)
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

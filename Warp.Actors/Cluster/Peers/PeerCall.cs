using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// A call that is under way. It ends once: with an answer, at its deadline, when its caller gives up, or with its connection. Whether it
/// had begun to leave by then decides what is known of it. Thread-safe.
/// </summary>
internal sealed class PeerCall : IOutgoing
{
    private readonly TaskCompletionSource<IResponse> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<TimeSpan> _remaining;
    private OutgoingFrame? _frame;
    private int _state;

    /// <param name="spec">The API.</param>
    /// <param name="version">The version of request and response.</param>
    /// <param name="correlationId">Its number on the connection.</param>
    /// <param name="frame">The request, which it takes over.</param>
    /// <param name="remaining">How long its caller still waits.</param>
    public PeerCall(ApiSpec spec, short version, int correlationId, OutgoingFrame frame, Func<TimeSpan> remaining)
    {
        Spec = spec;
        Version = version;
        CorrelationId = correlationId;
        Length = frame.Length;
        _frame = frame;
        _remaining = remaining;
    }

    private enum State
    {
        Waiting,
        Leaving,
        Ended,
    }

    public ApiSpec Spec { get; }

    public short Version { get; }

    public int CorrelationId { get; }

    /// <summary>Bytes of the request's frame.</summary>
    public int Length { get; }

    public Task<IResponse> Answer => _answer.Task;

    /// <summary>Whether any of it may have left.</summary>
    public bool MayHaveLeft => Volatile.Read(ref _state) != (int)State.Waiting;

    public OutgoingFrame? TakeFrame()
    {
        if (Interlocked.CompareExchange(ref _state, (int)State.Leaving, (int)State.Waiting) != (int)State.Waiting)
            return null;
        OutgoingFrame frame = Interlocked.Exchange(ref _frame, null)!;
        PeerFrames.SetTimeout(frame, _remaining());
        return frame;
    }

    public void Left()
    {
    }

    /// <summary>Ends it with an answer; false if it has ended already, and nobody wants the answer.</summary>
    public bool TrySetAnswer(IResponse response)
    {
        if (!TryEnd(out _))
            return false;
        _answer.SetResult(response);
        return true;
    }

    /// <summary>Ends it with what the peer answered in the place of a response.</summary>
    public bool TryRefuse(PeerCallException refusal)
    {
        if (!TryEnd(out _))
            return false;
        _answer.SetException(refusal);
        return true;
    }

    /// <summary>Ends it without an answer.</summary>
    /// <param name="error">Makes the exception, from what is known.</param>
    public bool TryFail(Func<PeerFailure, Exception> error)
    {
        if (!TryEnd(out bool leftAlready))
            return false;
        _answer.SetException(error(leftAlready ? PeerFailure.Unknown : PeerFailure.NotSent));
        return true;
    }

    /// <summary>Ends it because its caller no longer wants it.</summary>
    public bool TryCancel(CancellationToken cancellationToken)
    {
        if (!TryEnd(out _))
            return false;
        _answer.SetCanceled(cancellationToken);
        return true;
    }

    private bool TryEnd(out bool leftAlready)
    {
        int was = Interlocked.Exchange(ref _state, (int)State.Ended);
        leftAlready = was == (int)State.Leaving;
        if (was == (int)State.Waiting)
            Interlocked.Exchange(ref _frame, null)?.Dispose();
        return was != (int)State.Ended;
    }
}

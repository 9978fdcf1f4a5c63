using System.Threading.Channels;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Streams.Produce;

namespace Warp.Node.Network;

/// <summary>What became of a request.</summary>
/// <param name="Frame">The response, if it has a frame of its own; whoever takes the answer disposes it.</param>
/// <param name="Bytes">How many it has; 0 when there is no response.</param>
/// <param name="ClosesConnection">Nothing is sent after this answer.</param>
internal readonly record struct Answer(OutgoingFrame? Frame, int Bytes, bool ClosesConnection)
{
    public static Answer Close => new(null, 0, ClosesConnection: true);
}

/// <summary>A request that a handler deals with.</summary>
/// <param name="Context">The request.</param>
/// <param name="Handling">The handler's task, to be awaited once.</param>
/// <param name="Started">When the request had been received.</param>
/// <param name="Busy">How long the handler kept a thread before its first wait.</param>
/// <param name="ExpectedBytes">What the response will have about.</param>
internal readonly record struct Exchange(
    RequestContext Context, ValueTask<IResponse?> Handling, long Started, TimeSpan Busy, int ExpectedBytes);

/// <summary>The answer of a request, maybe still to come; or the request itself, if it is to be looked at when it is its turn.</summary>
internal readonly struct QueuedAnswer
{
    public QueuedAnswer(Task<Answer> task) => Task = task;

    public QueuedAnswer(in Exchange exchange) => Exchange = exchange;

    /// <summary>Null if there is an exchange. Never fails.</summary>
    public Task<Answer>? Task { get; }

    public Exchange Exchange { get; }

    public bool IsReady => Task?.IsCompleted ?? Exchange.Handling.IsCompleted;
}

/// <summary>
/// The requests of one connection that are being worked on, in their order, and at most so many. A client that asks for much and does not
/// read it gets no more: requests wait, too, while many bytes of responses are unsent. One task puts requests in, one takes them out.
/// </summary>
internal sealed class ResponseQueue(int capacity)
{
    /// <summary>No further request is let in while more bytes than this wait to be sent.</summary>
    public const int MaxUnsentBytes = 1 << 20;

    private readonly Channel<QueuedAnswer> _answers =
        Channel.CreateUnbounded<QueuedAnswer>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private readonly SemaphoreSlim _room = new(capacity);
    private readonly Lock _gate = new();
    private readonly RequestWindow _window = new();
    private TaskCompletionSource? _sent;
    private long _unsentBytes;
    private int _inFlight;

    /// <summary>Requests whose response is not sent yet.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>How many requests the client usually sends before it waits for an answer; 0 if that is not known.</summary>
    public int UsualWindow => _window.Size;

    /// <summary>Waits until one more request may be put in.</summary>
    public async ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        await _room.WaitAsync(cancellationToken);
        while (WhenSent() is { } sent)
            await sent.WaitAsync(cancellationToken);
    }

    /// <summary>Puts in a request, after one <see cref="WaitForRoomAsync"/>.</summary>
    /// <param name="answer">Its answer, maybe still to come.</param>
    /// <param name="expectedBytes">What the response will have about, until <see cref="Settle"/> says it.</param>
    public void Put(in QueuedAnswer answer, int expectedBytes)
    {
        AddUnsent(expectedBytes);
        Interlocked.Increment(ref _inFlight);
        _window.Came();
        _answers.Writer.TryWrite(answer);
    }

    /// <summary>A response is ready. May be called before its request is put in.</summary>
    public void Settle(int expectedBytes, int bytes) => AddUnsent((long)bytes - expectedBytes);

    /// <summary>No more requests will come.</summary>
    public void Complete() => _answers.Writer.TryComplete();

    /// <summary>Waits for a request; false when all have been taken and no more will come.</summary>
    public ValueTask<bool> WaitToTakeAsync() => _answers.Reader.WaitToReadAsync();

    /// <summary>Takes the next request.</summary>
    /// <param name="ifReady">Only if its answer is there.</param>
    /// <param name="answer">The answer, maybe still to come.</param>
    public bool TryTake(bool ifReady, out QueuedAnswer answer)
    {
        if (_answers.Reader.TryPeek(out answer) && (!ifReady || answer.IsReady))
            return _answers.Reader.TryRead(out answer);
        answer = default;
        return false;
    }

    /// <summary>Takes all that are left, until <see cref="Complete"/>.</summary>
    public IAsyncEnumerable<QueuedAnswer> TakeRestAsync() => _answers.Reader.ReadAllAsync();

    /// <summary>Makes room again for requests that have been taken, and whose responses have been sent.</summary>
    public void Release(int count, long bytes)
    {
        AddUnsent(-bytes);
        _window.Answered(Interlocked.Add(ref _inFlight, -count) + count);
        _room.Release(count);
    }

    /// <summary>What to wait for, or null when nothing is.</summary>
    private Task? WhenSent()
    {
        lock (_gate)
            return _unsentBytes <= MaxUnsentBytes ? null : (_sent ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }

    private void AddUnsent(long bytes)
    {
        TaskCompletionSource? sent = null;
        lock (_gate)
        {
            _unsentBytes += bytes;
            if (_unsentBytes <= MaxUnsentBytes)
                (sent, _sent) = (_sent, null);
        }
        sent?.SetResult();
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Warp.Protocol.Wire;

namespace Warp.Node.Network;

/// <summary>What became of a request. No frame: it gets no response.</summary>
/// <param name="Frame">The response; whoever takes the answer disposes it.</param>
/// <param name="ClosesConnection">Nothing is sent after this answer.</param>
internal readonly record struct Answer(OutgoingFrame? Frame, bool ClosesConnection);

/// <summary>
/// The requests of one connection that are being worked on, in their order, and at most so many. One task puts them in, one takes them
/// out. An answer's task never fails.
/// </summary>
internal sealed class ResponseQueue(int capacity)
{
    private readonly Channel<Task<Answer>> _answers =
        Channel.CreateUnbounded<Task<Answer>>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private readonly SemaphoreSlim _room = new(capacity);
    private int _inFlight;

    /// <summary>Requests whose response is not sent yet.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Waits until one more request may be put in.</summary>
    public Task WaitForRoomAsync(CancellationToken cancellationToken) => _room.WaitAsync(cancellationToken);

    /// <summary>Puts in a request, after one <see cref="WaitForRoomAsync"/>.</summary>
    public void Put(Task<Answer> answer)
    {
        Interlocked.Increment(ref _inFlight);
        _answers.Writer.TryWrite(answer);
    }

    /// <summary>No more requests will come.</summary>
    public void Complete() => _answers.Writer.TryComplete();

    /// <summary>Waits for a request; false when all have been taken and no more will come.</summary>
    public ValueTask<bool> WaitToTakeAsync() => _answers.Reader.WaitToReadAsync();

    /// <summary>Takes the next request.</summary>
    /// <param name="ifReady">Only if its answer is there.</param>
    /// <param name="answer">The answer, maybe still to come.</param>
    public bool TryTake(bool ifReady, [NotNullWhen(true)] out Task<Answer>? answer)
    {
        if (_answers.Reader.TryPeek(out answer) && (!ifReady || answer.IsCompleted))
            return _answers.Reader.TryRead(out answer);
        answer = null;
        return false;
    }

    /// <summary>Makes room again for requests that have been taken.</summary>
    public void Release(int count)
    {
        Interlocked.Add(ref _inFlight, -count);
        _room.Release(count);
    }

    /// <summary>Waits for all that are left, and for <see cref="Complete"/>, and drops the responses.</summary>
    public async Task DiscardAsync()
    {
        await foreach (Task<Answer> left in _answers.Reader.ReadAllAsync())
            (await left).Frame?.Dispose();
    }
}

namespace Warp.Actors.Kernel;

/// <summary>The address of an actor. It stays valid through restarts. Thread-safe.</summary>
public sealed class ActorRef<TMessage>
    where TMessage : class
{
    /// <summary>Before a question is asked again of an actor that has stopped; another one takes its place within moments.</summary>
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(5);

    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(250);

    internal ActorRef(Mailbox<TMessage> mailbox) => Mailbox = mailbox;

    public string Name => Mailbox.Name;

    internal Mailbox<TMessage> Mailbox { get; }

    /// <summary>
    /// Puts a message into the mailbox at once, even past its capacity: for answers, timers and whatever else is bounded by itself.
    /// A stopped actor fails the message if it is an ask, and drops it otherwise.
    /// </summary>
    public void Tell(TMessage message) => Mailbox.Tell(message);

    /// <summary>Puts a message into the mailbox if there is room at once.</summary>
    public bool TryTell(TMessage message) => Mailbox.TryTell(message);

    /// <summary>Puts a message into the mailbox, waiting for room first: the way for anything that the outside world can send at will.</summary>
    public ValueTask TellAsync(TMessage message, CancellationToken cancellationToken) => Mailbox.TellAsync(message, cancellationToken);

    /// <summary>Sends a question and waits for its answer.</summary>
    /// <param name="question">Carries the <see cref="Reply{T}"/> that the actor answers through.</param>
    /// <param name="deadline">How long to wait, mailbox and all; may be <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="cancellationToken">Gives up the wait; the actor may still act on the question.</param>
    /// <exception cref="TimeoutException">No answer within the deadline.</exception>
    /// <exception cref="ActorStoppedException">The actor stopped or failed before it answered.</exception>
    public async Task<TReply> AskAsync<TReply>(Ask<TMessage, TReply> question, TimeSpan deadline, CancellationToken cancellationToken)
    {
        TimeProvider time = Mailbox.System.Time;
        long askedAt = time.GetTimestamp();
        TimeSpan pause = s_firstPause;
        try
        {
            while (true)
            {
                var reply = new Reply<TReply>();
                TMessage message = question(reply);
                try
                {
                    // Mostly there is room at once: then the answer is all there is to wait for.
                    if (!Mailbox.TryTell(message))
                        await TellInTimeAsync(message, Left(), cancellationToken);
                    return await reply.Task.WaitAsync(Left(), time, cancellationToken);
                }
                catch (ActorStoppedException) when (Left() != TimeSpan.Zero && Mailbox.MayAskAgain(message))
                {
                    await Task.Delay(pause, time, cancellationToken).WaitAsync(Left(), time, cancellationToken);
                    pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
                }
            }
        }
        catch (TimeoutException) when (Left() == TimeSpan.Zero)
        {
            throw new TimeoutException($"{Name} did not answer within {deadline.TotalMilliseconds:F0} ms.");
        }

        TimeSpan Left()
        {
            if (deadline == Timeout.InfiniteTimeSpan)
                return deadline;
            TimeSpan left = deadline - time.GetElapsedTime(askedAt);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>Waits for room no longer than that: afterwards the message is not put in any more.</summary>
    private async Task TellInTimeAsync(TMessage message, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(limit, Mailbox.System.Time);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await TellAsync(message, giveUp.Token);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException();
        }
    }
}

/// <summary>Makes a message that carries the given reply.</summary>
public delegate TMessage Ask<out TMessage, TReply>(Reply<TReply> reply)
    where TMessage : class;

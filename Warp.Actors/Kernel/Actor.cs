using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Warp.Actors.Kernel;

/// <summary>
/// A single-threaded owner of state: it takes one message at a time from its mailbox. It must not be used except through its
/// <see cref="ActorRef{TMessage}"/>. An exception from any of its methods restarts it (a fresh instance) with exponential back-off.
/// </summary>
/// <typeparam name="TMessage">The closed set of messages, usually an abstract record with sealed records below it.</typeparam>
public abstract class Actor<TMessage>
    where TMessage : class
{
    private ActorCell<TMessage>? _cell;

    protected ActorRef<TMessage> Self => Cell.Ref;

    protected ActorSystem System => Cell.System;

    protected TimeProvider Time => Cell.System.Time;

    protected ILogger Log => Cell.Log;

    private ActorCell<TMessage> Cell => _cell ?? throw new InvalidOperationException("The actor has not been started by an ActorSystem.");

    internal void Bind(ActorCell<TMessage> cell) => _cell = cell;

    /// <summary>Runs before the first message, after each (re)start; recovery belongs here.</summary>
    protected internal virtual ValueTask StartAsync(CancellationToken stopping) => ValueTask.CompletedTask;

    /// <summary>Handles one message. While the returned task runs no other message is taken.</summary>
    protected internal abstract ValueTask ReceiveAsync(TMessage message);

    /// <summary>Runs after the last message of this instance, also when it failed; gives back what it holds.</summary>
    protected internal virtual ValueTask StopAsync() => ValueTask.CompletedTask;

    /// <summary>
    /// Puts the message that is being handled aside. It keeps its room in the mailbox, so that senders are still held back, and a next
    /// instance gets it before everything else.
    /// </summary>
    protected void Stash() => Cell.Stash();

    /// <summary>Takes up the message that was put aside first; the one that was being handled is done with.</summary>
    protected bool TryUnstash([NotNullWhen(true)] out TMessage? message) => Cell.TryUnstash(out message);

    /// <summary>Runs <paramref name="turn"/> as a turn of this instance; dropped if the instance has been replaced or stopped by then.</summary>
    protected void Post(Action turn) => Cell.Post(this, turn);

    /// <summary>Runs <paramref name="turn"/> as a turn of this instance after <paramref name="delay"/>, unless disposed before.</summary>
    protected ITimer After(TimeSpan delay, Action turn) => Cell.Schedule(this, delay, Timeout.InfiniteTimeSpan, turn);

    /// <summary>Runs <paramref name="turn"/> as a turn of this instance every <paramref name="period"/>, until this instance ends.</summary>
    protected ITimer Every(TimeSpan period, Action turn) => Cell.Schedule(this, period, period, turn);
}

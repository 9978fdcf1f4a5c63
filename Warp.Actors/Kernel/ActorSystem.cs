using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Warp.Actors.Kernel;

/// <summary>
/// Everything that actors share: the clock, the source of randomness, the scheduler that runs their turns, and the loggers. All of it is
/// injected, so that a test can run a whole cluster on virtual time from one seed. Thread-safe.
/// </summary>
public sealed class ActorSystem : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<IActorCell> _cells = [];
    private readonly Random _seeds;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _failure = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _stopped;

    /// <param name="time">The clock of every timer and deadline.</param>
    /// <param name="random">Seeds the random source of each actor.</param>
    /// <param name="scheduler">Runs the actors' turns; the thread pool's when left out.</param>
    /// <param name="loggers">Where actors log; nowhere when left out.</param>
    public ActorSystem(TimeProvider time, Random random, TaskScheduler? scheduler = null, ILoggerFactory? loggers = null)
    {
        Time = time;
        _seeds = random;
        Scheduler = scheduler ?? TaskScheduler.Default;
        Loggers = loggers ?? NullLoggerFactory.Instance;
    }

    public TimeProvider Time { get; }

    public TaskScheduler Scheduler { get; }

    public ILoggerFactory Loggers { get; }

    /// <summary>Cancelled when the system begins to stop.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>A random source of one's own, seeded by the system's. Random sources are not thread-safe: one owner each.</summary>
    public Random CreateRandom()
    {
        lock (_gate)
            return new Random(_seeds.Next());
    }

    /// <summary>Fails when an actor fails that must not be restarted; the process should end then, and start afresh.</summary>
    public Task Failure => _failure.Task;

    /// <summary>Starts an actor.</summary>
    /// <param name="name">For logs and errors, such as <c>sequencer-12</c>.</param>
    /// <param name="create">Makes a fresh instance; called once for each (re)start.</param>
    /// <param name="mailboxCapacity">How many messages may wait before <see cref="ActorRef{TMessage}.TellAsync"/> makes senders wait.</param>
    /// <param name="supervision">What happens when it fails.</param>
    public ActorRef<TMessage> Spawn<TMessage>(
        string name, Func<Actor<TMessage>> create, int mailboxCapacity = 4096, Supervision supervision = Supervision.Restart)
        where TMessage : class
    {
        var cell = new ActorCell<TMessage>(this, name, create, mailboxCapacity, supervision);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopped, this);
            _cells.Add(cell);
        }
        cell.Start();
        return cell.Ref;
    }

    /// <summary>Stops an actor of this system: it ends its current turn, and what still waits in its mailbox is failed.</summary>
    public async Task StopAsync<TMessage>(ActorRef<TMessage> actor)
        where TMessage : class
    {
        var cell = (ActorCell<TMessage>)actor.Mailbox;
        await cell.StopAsync();
        lock (_gate)
            _cells.Remove(cell);
    }

    /// <summary>Runs work on the system's scheduler. The returned task carries its failure; somebody must look at it.</summary>
    public Task Start(Func<Task> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, Scheduler).Unwrap();

    internal void Escalate(Exception error) => _failure.TrySetException(error);

    /// <summary>Stops the actors, last started first; each ends its current turn, and what still waits in its mailbox is failed.</summary>
    public async ValueTask DisposeAsync()
    {
        IActorCell[] cells;
        lock (_gate)
        {
            if (_stopped)
                return;
            _stopped = true;
            cells = [.. _cells];
        }
        await _stopping.CancelAsync();
        for (int i = cells.Length - 1; i >= 0; i--)
            await cells[i].StopAsync();
        _stopping.Dispose();
    }
}

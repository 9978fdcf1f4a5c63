using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Warp.Actors.Kernel;

internal interface IActorCell
{
    Task StopAsync();
}

/// <summary>Runs one actor: its mailbox, its turns, its timers, its restarts.</summary>
internal sealed class ActorCell<TMessage> : IActorCell
    where TMessage : class
{
    private readonly Channel<Envelope> _mailbox = Channel.CreateUnbounded<Envelope>(new UnboundedChannelOptions { SingleReader = true });
    private readonly SemaphoreSlim _room;
    private readonly Func<Actor<TMessage>> _create;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<ITimer> _timers = [];
    private readonly Backoff _backoff;
    private readonly Supervision _supervision;
    private Actor<TMessage>? _actor;
    private Task _run = Task.CompletedTask;

    public ActorCell(ActorSystem system, string name, Func<Actor<TMessage>> create, int mailboxCapacity, Supervision supervision)
    {
        System = system;
        Name = name;
        Ref = new ActorRef<TMessage>(this);
        Log = system.Loggers.CreateLogger(name);
        _create = create;
        _supervision = supervision;
        _room = new SemaphoreSlim(mailboxCapacity);
        _backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10), system.CreateRandom());
    }

    public ActorSystem System { get; }

    public string Name { get; }

    public ActorRef<TMessage> Ref { get; }

    public ILogger Log { get; }

    public void Start() => _run = System.Start(RunAsync);

    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        _mailbox.Writer.TryComplete();
        await _run;
    }

    public void Tell(TMessage message)
    {
        if (!_mailbox.Writer.TryWrite(new Envelope(message, null, null, TookRoom: false)))
            FailMessage(message, null);
    }

    public async ValueTask TellAsync(TMessage message, CancellationToken cancellationToken)
    {
        // Room is given back as the message leaves the mailbox, so at most the capacity of such messages ever waits.
        if (!_room.Wait(0, CancellationToken.None))
            await _room.WaitAsync(cancellationToken);
        if (!_mailbox.Writer.TryWrite(new Envelope(message, null, null, TookRoom: true)))
        {
            _room.Release();
            FailMessage(message, null);
        }
    }

    public void Post(Actor<TMessage> instance, Action turn) => _mailbox.Writer.TryWrite(new Envelope(null, turn, instance, TookRoom: false));

    public ITimer Schedule(Actor<TMessage> instance, TimeSpan dueTime, TimeSpan period, Action turn)
    {
        ITimer timer = System.Time.CreateTimer(_ => Post(instance, turn), null, dueTime, period);
        if (period != Timeout.InfiniteTimeSpan)
            _timers.Add(timer);
        return timer;
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            Exception? failure = await RunInstanceAsync();
            if (failure is null || _stopping.IsCancellationRequested)
                break;
            if (_supervision == Supervision.Escalate)
            {
                Log.LogCritical(failure, "{Actor} failed for good", Name);
                System.Escalate(failure);
                break;
            }
            TimeSpan pause = _backoff.Next();
            Log.LogError(failure, "{Actor} failed and restarts in {Pause} ms", Name, (long)pause.TotalMilliseconds);
            try
            {
                await Task.Delay(pause, System.Time, _stopping.Token);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }
        _mailbox.Writer.TryComplete();
        while (_mailbox.Reader.TryRead(out Envelope left))
        {
            GiveRoomBack(left);
            FailMessage(left.Message, null);
        }
    }

    /// <summary>Runs a fresh instance until the mailbox is closed (null) or it fails (its exception).</summary>
    private async Task<Exception?> RunInstanceAsync()
    {
        TMessage? current = null;
        Exception? failure = null;
        try
        {
            Actor<TMessage> actor = _create();
            actor.Bind(this);
            _actor = actor;
            await actor.StartAsync(_stopping.Token);
            while (!_stopping.IsCancellationRequested && await _mailbox.Reader.WaitToReadAsync())
            {
                while (!_stopping.IsCancellationRequested && _mailbox.Reader.TryRead(out Envelope envelope))
                {
                    GiveRoomBack(envelope);
                    current = envelope.Message;
                    if (envelope.Turn is null)
                        await actor.ReceiveAsync(current!);
                    else if (ReferenceEquals(envelope.Instance, actor))
                        envelope.Turn();
                    current = null;
                    _backoff.Reset();
                }
            }
        }
        catch (Exception error) when (error is not OperationCanceledException || !_stopping.IsCancellationRequested)
        {
            failure = error;
        }
        catch (OperationCanceledException)
        {
            // The system stops: no failure.
        }
        FailMessage(current, failure);
        await StopInstanceAsync();
        return failure;
    }

    private async Task StopInstanceAsync()
    {
        foreach (ITimer timer in _timers)
            await timer.DisposeAsync();
        _timers.Clear();
        if (_actor is not { } actor)
            return;
        _actor = null;
        try
        {
            await actor.StopAsync();
        }
        catch (Exception error)
        {
            Log.LogError(error, "{Actor} failed while it stopped", Name);
        }
    }

    private void GiveRoomBack(in Envelope envelope)
    {
        if (envelope.TookRoom)
            _room.Release();
    }

    private void FailMessage(TMessage? message, Exception? cause) => (message as IAsk)?.Fail(new ActorStoppedException(Name, cause));

    private readonly record struct Envelope(TMessage? Message, Action? Turn, Actor<TMessage>? Instance, bool TookRoom);
}

using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Warp.Actors.Kernel;

internal interface IActorCell
{
    Task StopAsync();
}

/// <summary>Runs one actor: its mailbox, its turns, its timers, its restarts.</summary>
internal sealed class ActorCell<TMessage> : Mailbox<TMessage>, IActorCell
    where TMessage : class
{
    private readonly Channel<Envelope> _mailbox = Channel.CreateUnbounded<Envelope>(new UnboundedChannelOptions { SingleReader = true });
    private readonly SemaphoreSlim _room;
    private readonly Func<Actor<TMessage>> _create;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<ITimer> _timers = [];
    private readonly Backoff _backoff;
    private readonly Supervision _supervision;
    private readonly Queue<Envelope> _stash = new();
    private Envelope _current;
    private Actor<TMessage>? _actor;
    private Task _run = Task.CompletedTask;

    public ActorCell(ActorSystem system, string name, Func<Actor<TMessage>> create, int mailboxCapacity, Supervision supervision)
        : base(system, name)
    {
        Ref = new ActorRef<TMessage>(this);
        Log = system.Loggers.CreateLogger(name);
        _create = create;
        _supervision = supervision;
        _room = new SemaphoreSlim(mailboxCapacity);
        _backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10), system.CreateRandom());
    }

    public ActorRef<TMessage> Ref { get; }

    public ILogger Log { get; }

    public void Start() => _run = System.Start(RunAsync);

    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        _mailbox.Writer.TryComplete();
        await _run;
    }

    public override void Tell(TMessage message)
    {
        if (!_mailbox.Writer.TryWrite(new Envelope(message, null, null, TookRoom: false)))
            FailMessage(message, null);
    }

    public override bool TryTell(TMessage message)
    {
        // Room is given back once the message has been handled, so at most the capacity of such messages ever waits, put aside or not.
        if (!_room.Wait(0, CancellationToken.None))
            return false;
        PutInRoom(message);
        return true;
    }

    public override async ValueTask TellAsync(TMessage message, CancellationToken cancellationToken)
    {
        if (TryTell(message))
            return;
        await _room.WaitAsync(cancellationToken);
        PutInRoom(message);
    }

    public void Post(Actor<TMessage> instance, Action turn) => _mailbox.Writer.TryWrite(new Envelope(null, turn, instance, TookRoom: false));

    /// <summary>Puts the message that is being handled aside, room and all.</summary>
    public void Stash()
    {
        _stash.Enqueue(_current);
        _current = default;
    }

    /// <summary>Ends the message that is being handled, and takes up the one that was put aside first.</summary>
    public bool TryUnstash([NotNullWhen(true)] out TMessage? message)
    {
        message = null;
        if (!_stash.TryDequeue(out Envelope envelope))
            return false;
        GiveRoomBack();
        _current = envelope;
        message = envelope.Message!;
        return true;
    }

    public ITimer Schedule(Actor<TMessage> instance, TimeSpan dueTime, TimeSpan period, Action turn)
    {
        ITimer timer = System.Time.CreateTimer(_ => Post(instance, turn), null, dueTime, period);
        if (period != Timeout.InfiniteTimeSpan)
            _timers.Add(timer);
        return timer;
    }

    private void PutInRoom(TMessage message)
    {
        if (_mailbox.Writer.TryWrite(new Envelope(message, null, null, TookRoom: true)))
            return;
        _room.Release();
        FailMessage(message, null);
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
        while (_stash.TryDequeue(out _current) || _mailbox.Reader.TryRead(out _current))
            Drop(null);
    }

    /// <summary>Runs a fresh instance until the mailbox is closed (null) or it fails (its exception).</summary>
    private async Task<Exception?> RunInstanceAsync()
    {
        Exception? failure = null;
        try
        {
            Actor<TMessage> actor = _create();
            actor.Bind(this);
            _actor = actor;
            await actor.StartAsync(_stopping.Token);
            // What the instance before had put aside came before all that is in the mailbox.
            for (int i = _stash.Count; i > 0 && !_stopping.IsCancellationRequested; i--)
                await HandleAsync(actor, _stash.Dequeue());
            while (!_stopping.IsCancellationRequested && await _mailbox.Reader.WaitToReadAsync())
            {
                while (!_stopping.IsCancellationRequested && _mailbox.Reader.TryRead(out Envelope envelope))
                    await HandleAsync(actor, envelope);
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
        Drop(failure);
        await StopInstanceAsync();
        return failure;
    }

    private async ValueTask HandleAsync(Actor<TMessage> actor, Envelope envelope)
    {
        _current = envelope;
        if (envelope.Turn is null)
            await actor.ReceiveAsync(envelope.Message!);
        else if (ReferenceEquals(envelope.Instance, actor))
            envelope.Turn();
        GiveRoomBack();
        _current = default;
        _backoff.Reset();
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

    /// <summary>Fails the message that is being handled, if there is one and somebody waits on it.</summary>
    private void Drop(Exception? cause)
    {
        GiveRoomBack();
        FailMessage(_current.Message, cause);
        _current = default;
    }

    private void GiveRoomBack()
    {
        if (_current.TookRoom)
            _room.Release();
    }

    private void FailMessage(TMessage? message, Exception? cause) => (message as IAsk)?.Fail(new ActorStoppedException(Name, cause));

    private readonly record struct Envelope(TMessage? Message, Action? Turn, Actor<TMessage>? Instance, bool TookRoom);
}

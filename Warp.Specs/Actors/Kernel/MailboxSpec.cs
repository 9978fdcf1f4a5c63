using Warp.Actors.Kernel;
using Xunit;

namespace Warp.Specs.Actors.Kernel;

public sealed class MailboxSpec : KernelSpec
{
    [Fact]
    public async Task One_message_is_handled_at_a_time_however_many_threads_send()
    {
        await using var system = new ActorSystem(TimeProvider.System, new Random(1));
        var done = new TaskCompletionSource();
        int handled = 0;
        int inside = 0;
        int most = 0;
        ActorRef<Word> actor = system.Spawn("actor", () => new ScriptedActor(async (_, _) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            await Task.Yield();
            Interlocked.Decrement(ref inside);
            if (++handled == 8 * 500)
                done.SetResult();
        }));

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
            () =>
            {
                for (int i = 0; i < 500; i++)
                    actor.Tell(new Word("x"));
            },
            Cancellation)));
        await done.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);

        Assert.Equal(1, most);
    }

    [Fact]
    public void Messages_of_one_sender_are_handled_in_its_order()
    {
        ActorRef<Word> actor = Spawn();
        for (int i = 0; i < 1000; i++)
            actor.Tell(new Word($"{i}"));

        _turns.Run();

        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"{i}"), _seen);
    }

    [Fact]
    public async Task A_full_mailbox_holds_senders_back_until_a_message_has_been_handled()
    {
        ActorRef<Word> actor = Spawn(capacity: 2);
        await actor.TellAsync(new Word("1"), Cancellation);
        await actor.TellAsync(new Word("2"), Cancellation);
        Task third = actor.TellAsync(new Word("3"), Cancellation).AsTask();
        Assert.False(third.IsCompleted);

        await RunUntilAsync(() => third.IsCompleted && _seen.Count == 3, "the third message");

        Assert.Equal(["1", "2", "3"], _seen);
    }

    [Fact]
    public async Task A_message_keeps_its_room_while_it_is_being_handled()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ActorRef<Word> actor = _system.Spawn("actor", () => new ScriptedActor(async (_, _) => await release.Task), mailboxCapacity: 1);
        await actor.TellAsync(new Word("1"), Cancellation);
        _turns.Run();
        Task second = actor.TellAsync(new Word("2"), Cancellation).AsTask();
        _turns.Run();
        Assert.False(second.IsCompleted);

        release.SetResult();

        await RunUntilAsync(() => second.IsCompleted, "room");
    }

    [Fact]
    public async Task A_sender_that_waits_for_room_can_give_up_and_its_message_is_never_handled()
    {
        ActorRef<Word> actor = Spawn(capacity: 1);
        await actor.TellAsync(new Word("1"), Cancellation);
        using var patience = new CancellationTokenSource();
        Task waiting = actor.TellAsync(new Word("2"), patience.Token).AsTask();

        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await actor.TellAsync(new Word("3"), Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(30), RunTurns());
        _turns.Run();
        Assert.Equal(["1", "3"], _seen);

        CancellationToken RunTurns()
        {
            _turns.Run();
            return Cancellation;
        }
    }

    [Fact]
    public async Task Tell_goes_past_the_capacity()
    {
        ActorRef<Word> actor = Spawn(capacity: 1);
        await actor.TellAsync(new Word("1"), Cancellation);
        actor.Tell(new Word("2"));
        actor.Tell(new Word("3"));

        _turns.Run();

        Assert.Equal(["1", "2", "3"], _seen);
    }

    [Fact]
    public async Task What_is_put_aside_keeps_its_room_and_is_taken_up_in_its_order()
    {
        ActorRef<Word> actor = Spawn(capacity: 2, then: (self, word) =>
        {
            if (word.Text != "go")
                self.PutAside();
            else
                while (self.TryTakeUp(out Word? aside))
                    _seen.Add($"{aside.Text} again");
        });
        await actor.TellAsync(new Word("1"), Cancellation);
        await actor.TellAsync(new Word("2"), Cancellation);
        _turns.Run();
        Task third = actor.TellAsync(new Word("3"), Cancellation).AsTask();
        _turns.Run();
        Assert.False(third.IsCompleted);

        actor.Tell(new Word("go"));
        await RunUntilAsync(() => third.IsCompleted && _seen.Contains("3"), "room");

        Assert.Equal(["1", "2", "go", "1 again", "2 again", "3"], _seen);
    }

    [Fact]
    public void What_an_instance_put_aside_comes_first_for_the_next_one()
    {
        int instances = 0;
        ActorRef<Word> actor = _system.Spawn("actor", () =>
        {
            int instance = ++instances;
            return new ScriptedActor((self, word) =>
            {
                _seen.Add($"{instance}:{word.Text}");
                if (word.Text == "crash")
                    throw new InvalidOperationException("as told");
                if (instance == 1)
                    self.PutAside();
                return ValueTask.CompletedTask;
            });
        });
        foreach (string text in (string[])["a", "b", "crash", "c"])
            actor.Tell(new Word(text));

        Pass(Ms(200));

        Assert.Equal(["1:a", "1:b", "1:crash", "2:a", "2:b", "2:c"], _seen);
    }

    [Fact]
    public async Task What_waits_in_a_stopped_actor_is_failed_the_put_aside_ones_too()
    {
        ActorRef<Word> actor = Spawn((self, _) => self.PutAside());
        var aside = new Reply<string>();
        var after = new Reply<string>();
        actor.Tell(new Question("aside", aside));
        _turns.Run();
        await StopAsync();
        actor.Tell(new Question("after", after));

        await Assert.ThrowsAsync<ActorStoppedException>(() => aside.Task);
        await Assert.ThrowsAsync<ActorStoppedException>(() => after.Task);
    }

    [Fact]
    public async Task More_senders_than_there_is_room_for_all_learn_that_the_actor_has_stopped()
    {
        ActorRef<Word> actor = Spawn(capacity: 1);
        Reply<string>[] replies = [.. Enumerable.Range(0, 10).Select(static _ => new Reply<string>())];
        Task[] sends = [.. replies.Select(reply => actor.TellAsync(new Question("q", reply), Cancellation).AsTask())];

        await StopAsync();

        await Task.WhenAll(sends).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        foreach (Reply<string> reply in replies)
            await Assert.ThrowsAsync<ActorStoppedException>(() => reply.Task);
    }
}

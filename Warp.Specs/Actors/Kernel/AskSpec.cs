using Warp.Actors.Kernel;
using Xunit;

namespace Warp.Specs.Actors.Kernel;

public sealed class AskSpec : KernelSpec
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task An_ask_is_answered()
    {
        ActorRef<Word> actor = Spawn(Answer);

        Task<string> ask = AskAsync(actor, "you");
        _turns.Run();

        Assert.Equal("you, too", await ask);
    }

    [Fact]
    public async Task The_first_answer_counts()
    {
        var reply = new Reply<string>();
        reply.Set("first");
        reply.Set("second");
        reply.Fail(new InvalidOperationException("third"));

        Assert.Equal("first", await reply.Task);
    }

    [Fact]
    public async Task An_ask_without_an_answer_ends_at_its_deadline()
    {
        ActorRef<Word> actor = Spawn();
        Task<string> ask = AskAsync(actor, "silence");

        Pass(_deadline - Ms(1));
        Assert.False(ask.IsCompleted);
        Pass(Ms(1));

        await Assert.ThrowsAsync<TimeoutException>(() => ask);
    }

    [Fact]
    public async Task An_ask_may_wait_without_a_deadline()
    {
        Reply<string>? asked = null;
        ActorRef<Word> actor = Spawn((_, word) => asked = ((Question)word).Reply);
        Task<string> ask = actor.AskAsync<string>(static reply => new Question("q", reply), Timeout.InfiniteTimeSpan, Cancellation);

        Pass(TimeSpan.FromDays(1));
        Assert.False(ask.IsCompleted);
        asked!.Set("at last");

        Assert.Equal("at last", await ask);
    }

    [Fact]
    public async Task The_deadline_counts_the_wait_for_room_too()
    {
        ActorRef<Word> actor = Spawn(capacity: 1);
        await actor.TellAsync(new Word("in the way"), Cancellation);
        Task<string> ask = AskAsync(actor, "late");

        _time.Advance(_deadline);

        await Assert.ThrowsAsync<TimeoutException>(() => ask);
        _turns.Run();
        Assert.Equal(["in the way"], _seen);
    }

    [Fact]
    public async Task An_ask_can_be_cancelled()
    {
        ActorRef<Word> actor = Spawn();
        using var patience = new CancellationTokenSource();
        Task<string> ask = actor.AskAsync<string>(static reply => new Question("q", reply), _deadline, patience.Token);

        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ask);
    }

    [Fact]
    public async Task The_ask_that_an_actor_fails_over_is_failed_with_the_cause()
    {
        ActorRef<Word> actor = Spawn(static (_, _) => throw new InvalidOperationException("as told"));
        Task<string> ask = AskAsync(actor, "crash");

        _turns.Run();

        ActorStoppedException error = await Assert.ThrowsAsync<ActorStoppedException>(() => ask);
        Assert.Equal("as told", error.InnerException?.Message);
    }

    [Fact]
    public async Task Asks_behind_the_one_that_failed_are_answered_by_the_next_instance()
    {
        ActorRef<Word> actor = Spawn((self, word) =>
        {
            if (word.Text == "crash")
                throw new InvalidOperationException("as told");
            Answer(self, word);
        });
        Task<string> crash = AskAsync(actor, "crash");
        Task<string> behind = AskAsync(actor, "you");

        Pass(Ms(200));

        await Assert.ThrowsAsync<ActorStoppedException>(() => crash);
        Assert.Equal("you, too", await behind);
    }

    [Fact]
    public async Task An_ask_that_was_taken_up_again_when_the_actor_failed_is_failed()
    {
        ActorRef<Word> actor = Spawn(static (self, word) =>
        {
            if (word.Text == "aside")
                self.PutAside();
            else if (self.TryTakeUp(out _))
                throw new InvalidOperationException("as told");
        });
        Task<string> aside = AskAsync(actor, "aside");
        actor.Tell(new Word("go"));

        _turns.Run();

        await Assert.ThrowsAsync<ActorStoppedException>(() => aside);
    }

    [Fact]
    public async Task An_ask_of_a_stopped_actor_fails_at_once()
    {
        ActorRef<Word> actor = Spawn(Answer);
        await StopAsync();

        await Assert.ThrowsAsync<ActorStoppedException>(() => AskAsync(actor, "late"));
    }

    private static void Answer(ScriptedActor self, Word word) => ((Question)word).Reply.Set($"{word.Text}, too");

    private static Task<string> AskAsync(ActorRef<Word> actor, string text) =>
        actor.AskAsync<string>(reply => new Question(text, reply), _deadline, Cancellation);
}

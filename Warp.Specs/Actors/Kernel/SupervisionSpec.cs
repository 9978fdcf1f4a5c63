using Warp.Actors.Kernel;
using Xunit;

namespace Warp.Specs.Actors.Kernel;

public sealed class SupervisionSpec : KernelSpec
{
    [Fact]
    public void A_failed_actor_is_replaced_by_a_fresh_one_after_a_pause_and_its_mailbox_is_kept()
    {
        ActorRef<Word> actor = SpawnCounting(crashOn: "crash");
        foreach (string text in (string[])["a", "crash", "b", "c"])
            actor.Tell(new Word(text));

        _turns.Run();
        Assert.Equal(["1:a", "1:crash"], _seen);
        Pass(Ms(49));
        Assert.Equal(["1:a", "1:crash"], _seen);
        Pass(Ms(51));

        Assert.Equal(["1:a", "1:crash", "2:b", "2:c"], _seen);
    }

    [Fact]
    public void The_pause_doubles_with_each_failure_up_to_ten_seconds_and_starts_over_after_a_success()
    {
        bool broken = true;
        int starts = 0;
        ActorRef<Word> actor = _system.Spawn("actor", () => new ScriptedActor((_, word) =>
        {
            _seen.Add(word.Text);
            return word.Text == "crash" ? throw new InvalidOperationException("as told") : ValueTask.CompletedTask;
        })
        {
            Starting = _ =>
            {
                starts++;
                return broken ? throw new InvalidOperationException("cannot start") : ValueTask.CompletedTask;
            },
        });
        _turns.Run();
        for (int failures = 1; failures <= 12; failures++)
        {
            double ceiling = Math.Min(10_000, 100 * Math.Pow(2, failures - 1));
            Assert.Equal(failures, starts);
            Pass(Ms((ceiling / 2) - 1));
            Assert.Equal(failures, starts);
            broken = failures < 12;
            Pass(Ms((ceiling / 2) + 1));
        }
        actor.Tell(new Word("fine"));
        actor.Tell(new Word("crash"));
        actor.Tell(new Word("after"));

        Pass(Ms(100));

        Assert.Equal(["fine", "crash", "after"], _seen);
    }

    [Fact]
    public void An_instance_that_failed_is_told_to_stop_before_the_next_one_is_made()
    {
        ActorRef<Word> actor = _system.Spawn("actor", () =>
        {
            _seen.Add("made");
            return new ScriptedActor(static (_, _) => throw new InvalidOperationException("as told"))
            {
                Stopping = () =>
                {
                    _seen.Add("stopped");
                    throw new InvalidOperationException("even this");
                },
            };
        });
        actor.Tell(new Word("x"));

        Pass(Ms(100));

        Assert.Equal(["made", "stopped", "made"], _seen);
    }

    [Fact]
    public void A_constructor_that_fails_is_tried_again()
    {
        int attempts = 0;
        ActorRef<Word> actor = _system.Spawn("actor", () => ++attempts < 3
            ? throw new InvalidOperationException("not yet")
            : new ScriptedActor((_, word) =>
            {
                _seen.Add(word.Text);
                return ValueTask.CompletedTask;
            }));
        actor.Tell(new Word("x"));

        Pass(Ms(100));
        Pass(Ms(200));

        Assert.Equal(["x"], _seen);
    }

    [Fact]
    public void Turns_and_timers_of_an_instance_die_with_it()
    {
        ScriptedActor? first = null;
        ActorRef<Word> actor = Spawn((self, word) =>
        {
            if (first is null)
            {
                first = self;
                self.RunAfter(Ms(50), () => _seen.Add("old timer"));
                self.RunEvery(Ms(50), () => _seen.Add("old period"));
                self.PostTurn(() => _seen.Add("old turn"));
                throw new InvalidOperationException("as told");
            }
            self.PostTurn(() => _seen.Add("new turn"));
            first.PostTurn(() => _seen.Add("late turn"));
        });
        actor.Tell(new Word("crash"));
        Pass(Ms(100));
        actor.Tell(new Word("b"));

        Pass(Ms(1000));

        Assert.Equal(["crash", "b", "new turn"], _seen);
    }

    [Fact]
    public async Task An_actor_that_must_not_be_restarted_fails_its_system()
    {
        ActorRef<Word> actor = Spawn(static (_, _) => throw new InvalidOperationException("as told"), supervision: Supervision.Escalate);
        var behind = new Reply<string>();
        actor.Tell(new Word("crash"));
        actor.Tell(new Question("behind", behind));

        Pass(TimeSpan.FromMinutes(1));

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => _system.Failure);
        Assert.Equal("as told", error.Message);
        await Assert.ThrowsAsync<ActorStoppedException>(() => behind.Task);
        Assert.Equal(["crash"], _seen);
    }

    [Fact]
    public async Task Actors_are_stopped_last_started_first_each_after_its_current_turn()
    {
        foreach (string name in (string[])["a", "b", "c"])
            _system.Spawn(name, () => new ScriptedActor(static (_, _) => ValueTask.CompletedTask) { Stopping = () => _seen.Add(name) });
        _turns.Run();

        await StopAsync();

        Assert.Equal(["c", "b", "a"], _seen);
        Assert.Throws<ObjectDisposedException>(() => Spawn());
    }

    [Fact]
    public async Task A_system_stops_at_once_though_an_actor_waits_to_be_restarted()
    {
        ActorRef<Word> actor = SpawnCounting(crashOn: "crash");
        actor.Tell(new Word("crash"));
        _turns.Run();

        await StopAsync();

        Assert.Equal(["1:crash"], _seen);
    }

    [Fact]
    public async Task An_actor_that_starts_slowly_is_told_that_the_system_stops()
    {
        _system.Spawn("actor", () => new ScriptedActor(static (_, _) => ValueTask.CompletedTask)
        {
            Starting = async stopping => await Task.Delay(Timeout.InfiniteTimeSpan, _time, stopping),
        });
        _turns.Run();

        await StopAsync();

        Assert.Empty(_seen);
    }

    private ActorRef<Word> SpawnCounting(string crashOn)
    {
        int instances = 0;
        return _system.Spawn("actor", () =>
        {
            int instance = ++instances;
            return new ScriptedActor((_, word) =>
            {
                _seen.Add($"{instance}:{word.Text}");
                return word.Text == crashOn ? throw new InvalidOperationException("as told") : ValueTask.CompletedTask;
            });
        });
    }
}

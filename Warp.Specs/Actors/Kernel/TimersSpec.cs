using Warp.Actors.Kernel;
using Xunit;

namespace Warp.Specs.Actors.Kernel;

public sealed class TimersSpec : KernelSpec
{
    [Fact]
    public void A_turn_runs_once_after_its_delay()
    {
        Start(self => self.RunAfter(Ms(100), () => _seen.Add("turn")));

        Pass(Ms(99));
        Assert.Equal(["start"], _seen);
        Pass(Ms(1));
        Pass(Ms(1000));

        Assert.Equal(["start", "turn"], _seen);
    }

    [Fact]
    public void A_turn_runs_every_period()
    {
        Start(self => self.RunEvery(Ms(100), () => _seen.Add("turn")));

        Pass(Ms(350));

        Assert.Equal(["start", "turn", "turn", "turn"], _seen);
    }

    [Fact]
    public void A_disposed_timer_runs_nothing()
    {
        Start(self =>
        {
            self.RunAfter(Ms(100), () => _seen.Add("once")).Dispose();
            self.RunEvery(Ms(100), () => _seen.Add("again")).Dispose();
        });

        Pass(Ms(1000));

        Assert.Equal(["start"], _seen);
    }

    [Fact]
    public void A_timer_waits_for_the_messages_that_were_there_before_it_was_due()
    {
        ActorRef<Word> actor = Start(self => self.RunAfter(Ms(100), () => _seen.Add("turn")));
        actor.Tell(new Word("before"));
        _time.Advance(Ms(100));
        actor.Tell(new Word("after"));

        _turns.Run();

        Assert.Equal(["start", "before", "turn", "after"], _seen);
    }

    [Fact]
    public async Task Nothing_is_left_armed_when_the_system_has_stopped()
    {
        Start(self => self.RunEvery(Ms(100), () => _seen.Add("turn")));

        await StopAsync();
        _time.Advance(Ms(1000));

        Assert.Equal(0, _time.TimerCount);
        Assert.Equal(["start"], _seen);
    }

    private ActorRef<Word> Start(Action<ScriptedActor> arm)
    {
        ActorRef<Word> actor = Spawn((self, word) =>
        {
            if (word.Text == "start")
                arm(self);
        });
        actor.Tell(new Word("start"));
        _turns.Run();
        return actor;
    }
}

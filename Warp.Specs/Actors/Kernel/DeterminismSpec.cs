using Warp.Actors.Kernel;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Kernel;

/// <summary>With clock, randomness and scheduler in the test's hands, a run is a function of its seed.</summary>
public sealed class DeterminismSpec
{
    [Fact]
    public void The_same_seed_gives_the_same_run_and_another_seed_another()
    {
        List<string> first = Run(seed: 1);

        Assert.True(first.Count > 300, $"only {first.Count} turns");
        Assert.Contains(first, static line => line.Contains("fails"));
        Assert.Equal(first, Run(seed: 1));
        Assert.NotEqual(first, Run(seed: 2));
    }

    /// <summary>Five actors pass words round with random pauses and fail now and then.</summary>
    private static List<string> Run(int seed)
    {
        var time = new ManualTime();
        var turns = new TurnScheduler();
        var system = new ActorSystem(time, new Random(seed), turns);
        var trace = new List<string>();
        var actors = new List<ActorRef<Word>>();
        for (int i = 0; i < 5; i++)
        {
            int number = i;
            Random random = system.CreateRandom();
            actors.Add(system.Spawn($"actor-{i}", () => new ScriptedActor(async (self, word) =>
            {
                trace.Add($"{time.GetTimestamp()} {number} gets {word.Text}");
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(5)), time);
                int next = random.Next(5);
                self.RunAfter(TimeSpan.FromMilliseconds(random.Next(20)), () => actors[next].Tell(new Word($"{word.Text}{number}"[^3..])));
                if (random.Next(20) == 0)
                {
                    trace.Add($"{time.GetTimestamp()} {number} fails");
                    actors[next].Tell(word);
                    throw new InvalidOperationException("as told");
                }
            })));
        }
        for (int i = 0; i < 5; i++)
            actors[i].Tell(new Word($"abc{i}"));
        for (int ms = 0; ms < 3000; ms++)
        {
            turns.Run();
            time.Advance(TimeSpan.FromMilliseconds(1));
        }
        return trace;
    }
}

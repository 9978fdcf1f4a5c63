using Warp.Actors.Kernel;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Kernel;

/// <summary>A system on manual time whose turns run on the test's thread, and what its actors noted.</summary>
public abstract class KernelSpec : IAsyncLifetime
{
    private protected readonly ManualTime _time = new();
    private protected readonly TurnScheduler _turns = new();
    private protected readonly List<string> _seen = [];
    private protected readonly ActorSystem _system;

    private protected KernelSpec() => _system = new ActorSystem(_time, new Random(1), _turns);

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Stops the system, whose last turns need the test's thread.</summary>
    private protected async Task StopAsync()
    {
        Task stopped = _system.DisposeAsync().AsTask();
        await Wait.UntilAsync(
            () =>
            {
                _turns.Run();
                return stopped.IsCompleted;
            },
            TimeSpan.FromSeconds(30),
            "the actors to stop");
        await stopped;
    }

    /// <summary>Starts an actor that notes each word, and then does what the test says.</summary>
    private protected ActorRef<Word> Spawn(
        Action<ScriptedActor, Word>? then = null, int capacity = 16, Supervision supervision = Supervision.Restart) =>
        _system.Spawn("actor", () => new ScriptedActor((self, word) =>
        {
            _seen.Add(word.Text);
            then?.Invoke(self, word);
            return ValueTask.CompletedTask;
        }), capacity, supervision);

    /// <summary>Lets time pass, and the turns that come of it run.</summary>
    private protected void Pass(TimeSpan by)
    {
        _turns.Run();
        _time.Advance(by);
        _turns.Run();
    }

    private protected static TimeSpan Ms(double ms) => TimeSpan.FromMilliseconds(ms);

    /// <summary>Runs turns until a task has ended that also needs other threads.</summary>
    private protected async Task RunUntilAsync(Func<bool> condition, string what) => await Wait.UntilAsync(
        () =>
        {
            _turns.Run();
            return condition();
        },
        TimeSpan.FromSeconds(30),
        what);
}

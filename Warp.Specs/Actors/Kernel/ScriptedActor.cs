using System.Diagnostics.CodeAnalysis;
using Warp.Actors.Kernel;

namespace Warp.Specs.Actors.Kernel;

/// <summary>A message of the kernel's tests.</summary>
internal record Word(string Text);

/// <summary>One that somebody waits on.</summary>
internal sealed record Question(string Text, Reply<string> Reply) : Word(Text), IAsk
{
    public void Fail(Exception error) => Reply.Fail(error);
}

/// <summary>An actor that does what its test says, and lets the test use what actors have.</summary>
internal sealed class ScriptedActor(Func<ScriptedActor, Word, ValueTask> receive) : Actor<Word>
{
    public Func<CancellationToken, ValueTask> Starting { get; init; } = static _ => ValueTask.CompletedTask;

    public Action Stopping { get; init; } = static () => { };

    public void PostTurn(Action turn) => Post(turn);

    public ITimer RunAfter(TimeSpan delay, Action turn) => After(delay, turn);

    public ITimer RunEvery(TimeSpan period, Action turn) => Every(period, turn);

    public void PutAside() => Stash();

    public bool TryTakeUp([NotNullWhen(true)] out Word? word) => TryUnstash(out word);

    protected override ValueTask StartAsync(CancellationToken stopping) => Starting(stopping);

    protected override ValueTask ReceiveAsync(Word message) => receive(this, message);

    protected override ValueTask StopAsync()
    {
        Stopping();
        return ValueTask.CompletedTask;
    }
}

using System.Threading.Channels;
using Warp.Load.Measuring;

namespace Warp.Load.Pacing;

/// <summary>Says when a connection's next request is due.</summary>
internal interface IArrivals
{
    /// <summary>What <see cref="NextAsync"/> returns when no request follows.</summary>
    const long End = -1;

    /// <summary>Waits until the next request is due.</summary>
    /// <returns>When it was due, by the run's clock, which may be long ago; <see cref="End"/> when no request follows.</returns>
    ValueTask<long> NextAsync();
}

/// <summary>As fast as it goes: a request is due when the one before it has gone, until the time or the bytes are used up.</summary>
internal sealed class ClosedLoop(RunClock clock, RunWindow window, ByteBudget budget, int requestBytes) : IArrivals
{
    public ValueTask<long> NextAsync()
    {
        long now = clock.NowMicros;
        return ValueTask.FromResult(now < window.ToMicros && budget.TryTake(requestBytes) ? now : IArrivals.End);
    }
}

/// <summary>By the clock: the <see cref="Pacer"/> says when, whether or not the connection has got through with what was due.</summary>
internal sealed class OpenLoop : IArrivals
{
    private readonly Channel<long> _due = Channel.CreateUnbounded<long>(new() { SingleReader = true, SingleWriter = true });

    public void Add(long dueMicros) => _due.Writer.TryWrite(dueMicros);

    public void Complete() => _due.Writer.Complete();

    public async ValueTask<long> NextAsync() =>
        await _due.Reader.WaitToReadAsync() && _due.Reader.TryRead(out long due) ? due : IArrivals.End;
}

/// <summary>The bytes that all connections may send together. Thread-safe.</summary>
internal sealed class ByteBudget(long bytes)
{
    private long _left = bytes;

    /// <summary>Takes some; what is left at the end may be overdrawn by one taking.</summary>
    public bool TryTake(int bytes) => Interlocked.Add(ref _left, -bytes) + bytes > 0;
}

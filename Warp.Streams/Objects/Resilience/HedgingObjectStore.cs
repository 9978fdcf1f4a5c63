using System.Buffers;

namespace Warp.Streams.Objects.Resilience;

/// <summary>
/// Sends a slow read or put a second time: when the first has taken longer than 95 of 100 like it, and the budget allows. Whichever is
/// answered first counts; the other is cancelled and waited for, since it works on the caller's bytes.
/// </summary>
/// <remarks>
/// Both puts have one key. A store puts if absent, so at most one of them stores and the other hears that there is an object already: that
/// counts as stored if the object has this put's bytes. Where a request cannot be interrupted, hedging gains nothing.
/// </remarks>
/// <param name="inner">The store that does the work; disposed with this one.</param>
/// <param name="budget">How many second requests there may be.</param>
/// <param name="metrics">Counts them.</param>
/// <param name="time">Measures how long requests take.</param>
public sealed class HedgingObjectStore(IObjectStore inner, HedgeBudget budget, StoreMetrics metrics, TimeProvider time)
    : DelegatingObjectStore(inner)
{
    private readonly LatencyClasses _latencies = new();

    public override async Task<PutOutcome> PutAsync(
        string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        LatencyTracker latencies = _latencies.Puts(ObjectStores.LengthOf(content));
        Answer<PutOutcome> answer = await RunAsync(
            "put", latencies, (token, _) => Inner.PutAsync(key, content, token), cancellationToken);
        bool mayBeOwn = answer.Result == PutOutcome.AlreadyExists && answer.WasHedged;
        return mayBeOwn && await OwnPut.IsStoredAsync(Inner, key, content, cancellationToken) ? PutOutcome.Stored : answer.Result;
    }

    public override async Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        byte[]? second = null;
        try
        {
            Answer<int> answer = await RunAsync(
                "get",
                _latencies.Gets(destination.Length),
                (token, isSecond) =>
                {
                    // Two reads into one buffer would get in each other's way.
                    Memory<byte> place = isSecond
                        ? (second = ArrayPool<byte>.Shared.Rent(destination.Length)).AsMemory(0, destination.Length)
                        : destination;
                    return Inner.GetRangeAsync(key, position, place, token);
                },
                cancellationToken);
            if (answer.SecondWon)
                second.AsSpan(0, answer.Result).CopyTo(destination.Span);
            return answer.Result;
        }
        finally
        {
            if (second is not null)
                ArrayPool<byte>.Shared.Return(second);
        }
    }

    public override async Task<byte[]> GetAsync(string key, CancellationToken cancellationToken)
    {
        Answer<byte[]> answer = await RunAsync("get", _latencies.Gets(0), (token, _) => Inner.GetAsync(key, token), cancellationToken);
        return answer.Result;
    }

    private async Task<Answer<T>> RunAsync<T>(
        string operation, LatencyTracker latencies, Func<CancellationToken, bool, Task<T>> request, CancellationToken cancellationToken)
    {
        budget.Earn();
        long started = time.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<T> first = request(stop.Token, false);
        if (!await IsSlowAsync(first, latencies.Percentile95) || !budget.TrySpend())
        {
            T result = await first;
            latencies.Record(time.GetElapsedTime(started));
            return new Answer<T>(result, WasHedged: false, SecondWon: false);
        }
        metrics.Hedged(operation);
        using var stopSecond = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<T> second = request(stopSecond.Token, true);
        Task<T> winner = await WinnerAsync(first, second);
        latencies.Record(time.GetElapsedTime(started));
        if (winner == second)
            metrics.HedgeWon(operation);
        await EndAsync(winner == first ? second : first, winner == first ? stopSecond : stop);
        return new Answer<T>(await winner, WasHedged: true, SecondWon: winner == second);
    }

    /// <summary>Waits until a request has ended or has taken as long as slow ones do.</summary>
    private async Task<bool> IsSlowAsync(Task request, TimeSpan? slow)
    {
        if (slow is not { } patience || request.IsCompleted)
            return false;
        using var ended = new CancellationTokenSource();
        await Task.WhenAny(request, Task.Delay(patience, time, ended.Token));
        await ended.CancelAsync();
        return !request.IsCompleted;
    }

    /// <summary>The first that was answered; an error counts only if the other one fails as well.</summary>
    private static async Task<Task<T>> WinnerAsync<T>(Task<T> first, Task<T> second)
    {
        Task<T> earlier = await Task.WhenAny(first, second);
        if (earlier.IsCompletedSuccessfully || earlier.Exception?.InnerException is ObjectNotFoundException)
            return earlier;
        Task<T> later = earlier == first ? second : first;
        await Task.WhenAny(later);
        return later.IsCompletedSuccessfully ? later : first;
    }

    private static async Task EndAsync(Task loser, CancellationTokenSource stop)
    {
        await stop.CancelAsync();
        await Task.WhenAny(loser);
        _ = loser.Exception;
    }

    private readonly record struct Answer<T>(T Result, bool WasHedged, bool SecondWon);
}

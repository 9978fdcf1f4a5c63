using System.Buffers;

namespace Warp.Streams.Objects.Resilience;

/// <summary>
/// Sends a slow read or put again: when it has taken longer than 95 of 100 like it, and the budget allows; and once more if that is slow as
/// well. Whichever is answered first counts; the others are cancelled and waited for, since they work on the caller's bytes.
/// </summary>
/// <remarks>
/// <para>All puts have one key. A store puts if absent, so at most one of them stores and the others hear that there is an object already.
/// If that is answered first, it is the answer (<see cref="PutOutcome.AlreadyExists"/>): to find out whose object it is, it would have to
/// be read. Where a request cannot be interrupted, hedging gains nothing.</para>
/// <para>By its nature one request in twenty is among the slowest five of a hundred, which uses up a budget of a twentieth. So the last of
/// it is kept for those that are still not answered after thrice as long: these are what makes clients wait.</para>
/// </remarks>
/// <param name="inner">The store that does the work; disposed with this one.</param>
/// <param name="budget">How many further requests there may be.</param>
/// <param name="metrics">Counts them.</param>
/// <param name="time">Measures how long requests take.</param>
public sealed class HedgingObjectStore(IObjectStore inner, HedgeBudget budget, StoreMetrics metrics, TimeProvider time)
    : DelegatingObjectStore(inner)
{
    /// <summary>Of one read or put. That all of them are slow by chance becomes a matter of years.</summary>
    private const int MaxRequests = 3;

    /// <summary>What is kept of the budget for those that are slower than merely slow.</summary>
    private const int Reserve = 1;

    /// <summary>Timers tick no finer.</summary>
    private static readonly TimeSpan s_shortestWait = TimeSpan.FromMilliseconds(1);

    private readonly LatencyClasses _latencies = new();

    public override async Task<PutOutcome> PutAsync(
        string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        LatencyClass latencies = _latencies.Puts(ObjectStores.LengthOf(content));
        Answer<PutOutcome> answer = await RunAsync(
            "put", latencies, (_, token) => Inner.PutAsync(key, content, token), cancellationToken);
        return answer.Result;
    }

    public override async Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        // Two reads into one buffer would get in each other's way.
        var further = new List<byte[]>();
        try
        {
            Answer<int> answer = await RunAsync(
                "get",
                _latencies.Gets(destination.Length),
                (number, token) =>
                {
                    if (number > 0)
                        further.Add(ArrayPool<byte>.Shared.Rent(destination.Length));
                    Memory<byte> place = number > 0 ? further[number - 1].AsMemory(0, destination.Length) : destination;
                    return Inner.GetRangeAsync(key, position, place, token);
                },
                cancellationToken);
            if (answer.Winner > 0)
                further[answer.Winner - 1].AsSpan(0, answer.Result).CopyTo(destination.Span);
            return answer.Result;
        }
        finally
        {
            foreach (byte[] buffer in further)
                ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public override async Task<byte[]> GetAsync(string key, CancellationToken cancellationToken)
    {
        Answer<byte[]> answer = await RunAsync("get", _latencies.Gets(0), (_, token) => Inner.GetAsync(key, token), cancellationToken);
        return answer.Result;
    }

    /// <param name="operation">Its name in the metrics.</param>
    /// <param name="latencies">Of requests like this one.</param>
    /// <param name="send">Sends a request, given how many were sent before.</param>
    /// <param name="cancellationToken">Cancels them all.</param>
    private async Task<Answer<T>> RunAsync<T>(
        string operation, LatencyClass latencies, Func<int, CancellationToken, Task<T>> send, CancellationToken cancellationToken)
    {
        budget.Earn();
        long started = time.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var requests = new List<Task<T>> { send(0, stop.Token) };
        TimeSpan? patience = latencies.Percentile95;
        int reserve = Reserve;
        Task<T>? winner;
        while ((winner = await WinnerAsync(requests, patience)) is null)
        {
            if (budget.TrySpend(reserve))
            {
                metrics.Hedged(operation);
                requests.Add(send(requests.Count, stop.Token));
            }
            reserve = 0;
            patience = requests.Count < MaxRequests ? patience * 2 : null;
        }
        if (winner.IsCompletedSuccessfully)
            latencies.Record(time.GetElapsedTime(started));
        if (winner != requests[0])
            metrics.HedgeWon(operation);
        await stop.CancelAsync();
        Task all = Task.WhenAll(requests);
        await Task.WhenAny(all);
        _ = all.Exception;
        return new Answer<T>(await winner, requests.IndexOf(winner));
    }

    /// <summary>
    /// The first request that was answered; an error counts only if all have failed. Null if there is neither when the patience is over.
    /// </summary>
    private async Task<Task<T>?> WinnerAsync<T>(List<Task<T>> requests, TimeSpan? patience)
    {
        using var ended = new CancellationTokenSource();
        Task over = Task.Delay(WaitOf(patience), time, ended.Token);
        while (true)
        {
            bool isOver = over.IsCompleted;
            // Looked at before the answers, so that none that comes meanwhile is missed.
            Task[] underWay = [over, .. requests.Where(static request => !request.IsCompleted)];
            Task<T>? winner = requests.Find(IsAnswered) ?? (underWay.Length == 1 ? requests[0] : null);
            if (winner is not null || isOver)
            {
                await ended.CancelAsync();
                return winner;
            }
            await Task.WhenAny(underWay);
        }
    }

    private static TimeSpan WaitOf(TimeSpan? patience) =>
        patience is not { } wait ? Timeout.InfiniteTimeSpan : wait > s_shortestWait ? wait : s_shortestWait;

    private static bool IsAnswered(Task request) =>
        request.IsCompletedSuccessfully || request.Exception?.InnerException is ObjectNotFoundException;

    /// <param name="Result">What the winner says.</param>
    /// <param name="Winner">Which request it was, from 0.</param>
    private readonly record struct Answer<T>(T Result, int Winner);
}

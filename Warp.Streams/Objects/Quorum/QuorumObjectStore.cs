using System.Runtime.CompilerServices;
using Warp.Streams.Objects.Resilience;

namespace Warp.Streams.Objects.Quorum;

/// <summary>
/// An odd number of stores as one, of which a minority may be gone: three S3 Express One Zone buckets in three zones, for example. A put is
/// done when a majority has the object; a read takes it from whichever has it.
/// </summary>
/// <remarks>
/// <para><b>Puts</b> go to all at once. When a majority has stored, the others get a moment more (<c>grace</c>) and are cancelled then.
/// What a store has missed is filled by <see cref="RepairAsync"/>.</para>
/// <para><b>Reads</b> ask the stores in their order, so the nearest should come first: the next one when one fails, lacks the object, or is
/// slower than usual. An object is missing only if every store that answers says so, and those are a majority: any majority has a store
/// in common with the one that took the put.</para>
/// <para><b>Listings</b> are the union of all stores', of which a majority must answer: what lies in one store alone is listed too, so that
/// what a deletion has not reached can be found and deleted again. <b>Deletions</b> go to all and are done when a majority has
/// deleted.</para>
/// <para>When several put different objects under one key at once, the stores may take different ones. A settlement then sees to it that
/// one wins: the one that a majority has, or else the one of the first store that answers.</para>
/// </remarks>
public sealed partial class QuorumObjectStore : IObjectStore
{
    private readonly IReadOnlyList<IObjectStore> _stores;
    private readonly HedgeBudget _budget;
    private readonly TimeSpan _grace;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly LatencyClasses _latencies = new();

    /// <summary>How long the stores beyond a majority get: zones answer within a few milliseconds of each other, and one that stalls must
    /// not be waited for.</summary>
    public static readonly TimeSpan DefaultGrace = TimeSpan.FromMilliseconds(20);

    /// <param name="stores">Three or more, an odd number, the nearest first; disposed with this one. None may try again by itself for
    /// long: a dead one would hold up what needs its failure.</param>
    /// <param name="grace">How long the others get after a majority.</param>
    /// <param name="budget">How many reads may be sent to a second store because the first is slow.</param>
    /// <param name="time">The time.</param>
    /// <param name="random">Draws the pauses of writers that are at odds; used by one call at a time.</param>
    public QuorumObjectStore(IReadOnlyList<IObjectStore> stores, TimeSpan grace, HedgeBudget budget, TimeProvider time, Random random)
    {
        if (stores.Count < 3 || stores.Count % 2 == 0)
            throw new ArgumentException("A quorum takes an odd number of stores, three or more.", nameof(stores));
        _stores = stores;
        _grace = grace;
        _budget = budget;
        _time = time;
        _random = random;
        Description = "quorum:" + string.Join('|', stores.Select(static store => store.Description));
    }

    public string Description { get; }

    private int Majority => _stores.Count / 2 + 1;

    public async Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        ObjectKeys.Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<PutOutcome>[] puts = [.. _stores.Select(store => store.PutAsync(key, content, stop.Token))];
        await WaitForMajorityAsync(puts, static outcome => outcome == PutOutcome.Stored, stop);
        cancellationToken.ThrowIfCancellationRequested();
        bool isFree = !puts.Any(static put => put is { IsCompletedSuccessfully: true, Result: PutOutcome.AlreadyExists });
        if (isFree && puts.Count(IsStored) >= Majority)
            return PutOutcome.Stored;
        if (puts.Count(static put => put.IsCompletedSuccessfully) < Majority)
            throw TooFew(key, puts);
        return await new QuorumSettlement(_stores, Description, key, content, _time, _random)
            .SettleAsync(puts.Any(IsStored), cancellationToken);
    }

    public async Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ObjectKeys.Validate(key);
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        // Stores that are asked at the same time have each a place of its own to write to.
        var places = new Memory<byte>[_stores.Count];
        (int count, int winner) = await ReadAsync(
            key,
            _latencies.Gets(destination.Length),
            (i, isAlone, token) =>
            {
                places[i] = isAlone ? destination : new byte[destination.Length];
                return _stores[i].GetRangeAsync(key, position, places[i], token);
            },
            cancellationToken);
        if (!places[winner].Equals(destination))
            places[winner][..count].CopyTo(destination);
        return count;
    }

    public async Task<byte[]> GetAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKeys.Validate(key);
        (byte[] bytes, _) = await ReadAsync(
            key, _latencies.Gets(0), (i, _, token) => _stores[i].GetAsync(key, token), cancellationToken);
        return bytes;
    }

    public async Task<long?> HeadAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKeys.Validate(key);
        try
        {
            (long length, _) = await ReadAsync(
                key,
                _latencies.Gets(0),
                async (i, _, token) => await _stores[i].HeadAsync(key, token) ?? throw new ObjectNotFoundException(_stores[i].Description, key),
                cancellationToken);
            return length;
        }
        catch (ObjectNotFoundException)
        {
            return null;
        }
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ObjectKeys.ValidatePrefix(prefix);
        int failures = 0;
        IAsyncEnumerable<ObjectInfo>[] listings = [.. _stores.Select(store => store.ListAsync(prefix, startAfter, cancellationToken))];
        await foreach (MergedObject found in ListingMerge.MergeAsync(listings, Count, cancellationToken))
            yield return found.First;

        void Count(int store, ObjectStoreException error)
        {
            if (++failures > _stores.Count - Majority)
                throw TooFew(null, error);
        }
    }

    public async Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        foreach (string key in keys)
            ObjectKeys.Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        Task[] deletions = [.. _stores.Select(store => store.DeleteAsync(keys, cancellationToken))];
        await Task.WhenAny(Task.WhenAll(deletions));
        cancellationToken.ThrowIfCancellationRequested();
        if (deletions.Count(static deletion => deletion.IsCompletedSuccessfully) < Majority)
            throw TooFew(null, deletions);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IObjectStore store in _stores)
            await store.DisposeAsync();
    }

    private static bool IsStored(Task<PutOutcome> put) => put.IsCompletedSuccessfully && put.Result == PutOutcome.Stored;

    /// <summary>Waits until a majority has ended well and the grace is over, or all have ended; what still runs is cancelled. When it
    /// returns, nobody works on the caller's bytes any more.</summary>
    private async Task WaitForMajorityAsync<T>(Task<T>[] requests, Func<T, bool> isGood, CancellationTokenSource stop)
    {
        var left = new List<Task>(requests);
        while (left.Count > 0 && requests.Count(request => request.IsCompletedSuccessfully && isGood(request.Result)) < Majority)
            left.Remove(await Task.WhenAny(left));
        if (left.Count > 0)
        {
            using var ended = new CancellationTokenSource();
            await Task.WhenAny(Task.WhenAll(left), Task.Delay(_grace, _time, ended.Token));
            await ended.CancelAsync();
            await stop.CancelAsync();
            await Task.WhenAny(Task.WhenAll(left));
        }
        foreach (Task<T> request in requests)
            _ = request.Exception;
    }

    /// <summary>Asks one store after the other until one has it; see the rules of reads above.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="latencies">How long such reads take.</param>
    /// <param name="read">Asks the store of a number; says whether no other is being asked at the same time.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The answer, and the number of the store that gave it.</returns>
    private async Task<(T Result, int Store)> ReadAsync<T>(
        string key, LatencyClass latencies, Func<int, bool, CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        _budget.Earn();
        long started = _time.GetTimestamp();
        TimeSpan? patience = latencies.Percentile95;
        var asked = new Task<T>?[_stores.Count];
        int missing = 0;
        ObjectStoreException? failure = null;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            int next = 0;
            Ask();
            while (asked.OfType<Task<T>>().ToList() is { Count: > 0 } running)
            {
                if (await FirstAsync(running, next < asked.Length ? patience : null) is not { } ended)
                {
                    if (_budget.TrySpend())
                        Ask();
                    else
                        patience = null;
                    continue;
                }
                int store = Array.IndexOf(asked, ended);
                asked[store] = null;
                try
                {
                    T result = await ended;
                    latencies.Record(_time.GetElapsedTime(started));
                    return (result, store);
                }
                catch (ObjectNotFoundException)
                {
                    missing++;
                }
                catch (ObjectStoreException e)
                {
                    failure ??= e;
                }
                if (next < asked.Length)
                    Ask();
            }

            void Ask()
            {
                bool isAlone = Array.TrueForAll(asked, static task => task is null);
                asked[next] = read(next, isAlone, stop.Token);
                next++;
            }
        }
        finally
        {
            await stop.CancelAsync();
            Task rest = Task.WhenAll(asked.OfType<Task<T>>());
            await Task.WhenAny(rest);
            _ = rest.Exception;
        }
        throw missing >= Majority ? new ObjectNotFoundException(Description, key) : TooFew(key, failure!);
    }

    /// <summary>The first that ends; null if none does within some time.</summary>
    private async Task<Task<T>?> FirstAsync<T>(List<Task<T>> running, TimeSpan? patience)
    {
        if (patience is not { } limit)
            return await Task.WhenAny(running);
        using var over = new CancellationTokenSource();
        Task wait = Task.Delay(limit, _time, over.Token);
        Task first = await Task.WhenAny([.. running, wait]);
        await over.CancelAsync();
        return first as Task<T>;
    }

    private ObjectStoreException TooFew(string? key, IReadOnlyList<Task> requests)
    {
        List<ObjectStoreException> failures =
            [.. requests.Select(static request => request.Exception?.InnerException).OfType<ObjectStoreException>()];
        return TooFew(key, failures.Find(static failure => failure.IsTransient) ?? failures[0]);
    }

    private ObjectStoreException TooFew(string? key, ObjectStoreException failure) => new(
        Description,
        key,
        $"Fewer than {Majority} of {_stores.Count} stores have done it. One of them says: {failure.Message}",
        failure.IsTransient,
        failure);
}

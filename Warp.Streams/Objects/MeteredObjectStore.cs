using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace Warp.Streams.Objects;

/// <summary>
/// Measures another store: <c>warp.store.requests</c>, <c>warp.store.errors</c>, <c>warp.store.bytes</c> (put or read) and
/// <c>warp.store.duration</c> (seconds), each by <c>operation</c> (put, get, head, list, delete). A missing object and the caller's own
/// cancellation are no errors. A listing is one request; its duration is the time that its reader waited for it.
/// </summary>
public sealed class MeteredObjectStore : IObjectStore
{
    /// <summary>The name of the meter to give to the constructor.</summary>
    public const string MeterName = "Warp.Store";

    private readonly IObjectStore _inner;
    private readonly TimeProvider _clock;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _errors;
    private readonly Counter<long> _bytes;
    private readonly Histogram<double> _duration;

    /// <param name="inner">The store that does the work; disposed with this one.</param>
    /// <param name="meter">Gets the instruments; stays the caller's.</param>
    /// <param name="clock">Takes the time.</param>
    public MeteredObjectStore(IObjectStore inner, Meter meter, TimeProvider clock)
    {
        _inner = inner;
        _clock = clock;
        _requests = meter.CreateCounter<long>("warp.store.requests", "{request}", "Requests to the object store.");
        _errors = meter.CreateCounter<long>("warp.store.errors", "{request}", "Requests to the object store that failed.");
        _bytes = meter.CreateCounter<long>("warp.store.bytes", "By", "Bytes written to and read from the object store.");
        _duration = meter.CreateHistogram<double>("warp.store.duration", "s", "How long requests to the object store take.");
    }

    public string Description => _inner.Description;

    public async Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        PutOutcome outcome = await MeasureAsync("put", () => _inner.PutAsync(key, content, cancellationToken), cancellationToken);
        if (outcome == PutOutcome.Stored)
            CountBytes("put", content.Sum(piece => (long)piece.Length));
        return outcome;
    }

    public async Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        int count = await MeasureAsync("get", () => _inner.GetRangeAsync(key, position, destination, cancellationToken), cancellationToken);
        CountBytes("get", count);
        return count;
    }

    public async Task<byte[]> GetAsync(string key, CancellationToken cancellationToken)
    {
        byte[] bytes = await MeasureAsync("get", () => _inner.GetAsync(key, cancellationToken), cancellationToken);
        CountBytes("get", bytes.Length);
        return bytes;
    }

    public Task<long?> HeadAsync(string key, CancellationToken cancellationToken) =>
        MeasureAsync("head", () => _inner.HeadAsync(key, cancellationToken), cancellationToken);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        TimeSpan waited = TimeSpan.Zero;
        try
        {
            await using IAsyncEnumerator<ObjectInfo> listing =
                _inner.ListAsync(prefix, startAfter, cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (true)
            {
                long started = _clock.GetTimestamp();
                bool more;
                try
                {
                    more = await listing.MoveNextAsync();
                }
                catch (Exception e) when (IsError(e, cancellationToken))
                {
                    CountError("list");
                    throw;
                }
                finally
                {
                    waited += _clock.GetElapsedTime(started);
                }
                if (!more)
                    break;
                yield return listing.Current;
            }
        }
        finally
        {
            CountRequest("list", waited);
        }
    }

    public Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        MeasureAsync(
            "delete",
            async () =>
            {
                await _inner.DeleteAsync(keys, cancellationToken);
                return keys.Count;
            },
            cancellationToken);

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private async Task<T> MeasureAsync<T>(string operation, Func<Task<T>> request, CancellationToken cancellationToken)
    {
        long started = _clock.GetTimestamp();
        try
        {
            return await request();
        }
        catch (Exception e) when (IsError(e, cancellationToken))
        {
            CountError(operation);
            throw;
        }
        finally
        {
            CountRequest(operation, _clock.GetElapsedTime(started));
        }
    }

    private static bool IsError(Exception e, CancellationToken cancellationToken) =>
        e is not ObjectNotFoundException && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested);

    private void CountRequest(string operation, TimeSpan duration)
    {
        _requests.Add(1, Tag(operation));
        _duration.Record(duration.TotalSeconds, Tag(operation));
    }

    private void CountError(string operation) => _errors.Add(1, Tag(operation));

    private void CountBytes(string operation, long count) => _bytes.Add(count, Tag(operation));

    private static KeyValuePair<string, object?> Tag(string operation) => new("operation", operation);
}

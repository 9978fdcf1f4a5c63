using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace Warp.Streams.Objects;

/// <summary>
/// Measures another store: <c>warp.store.requests</c>, <c>warp.store.errors</c>, <c>warp.store.bytes</c> (put or read) and
/// <c>warp.store.duration</c> (seconds), each by <c>operation</c> (put, get, head, list, delete; part for a part of a multipart upload, and
/// upload for what starts, completes and aborts one). A missing object and the caller's own cancellation are no errors. A listing is one
/// request; its duration is the time that its reader waited for it.
/// </summary>
public sealed class MeteredObjectStore : DelegatingObjectStore
{
    /// <summary>The name of the meter to give to the constructor.</summary>
    public const string MeterName = "Warp.Store";

    private readonly TimeProvider _clock;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _errors;
    private readonly Counter<long> _bytes;
    private readonly Histogram<double> _duration;

    /// <param name="inner">The store that does the work; disposed with this one.</param>
    /// <param name="meter">Gets the instruments; stays the caller's.</param>
    /// <param name="clock">Takes the time.</param>
    public MeteredObjectStore(IObjectStore inner, Meter meter, TimeProvider clock)
        : base(inner)
    {
        _clock = clock;
        _requests = meter.CreateCounter<long>("warp.store.requests", "{request}", "Requests to the object store.");
        _errors = meter.CreateCounter<long>("warp.store.errors", "{request}", "Requests to the object store that failed.");
        _bytes = meter.CreateCounter<long>("warp.store.bytes", "By", "Bytes written to and read from the object store.");
        _duration = meter.CreateHistogram<double>("warp.store.duration", "s", "How long requests to the object store take.");
    }

    public override async Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        PutOutcome outcome = await MeasureAsync("put", () => Inner.PutAsync(key, content, cancellationToken), cancellationToken);
        if (outcome == PutOutcome.Stored)
            CountBytes("put", ObjectStores.LengthOf(content));
        return outcome;
    }

    public override async Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) =>
        new Upload(this, await MeasureAsync("upload", () => Inner.StartUploadAsync(key, cancellationToken), cancellationToken));

    public override Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken) =>
        MeasureAsync("upload", () => Inner.AbortUploadsAsync(prefix, startedBefore, cancellationToken), cancellationToken);

    public override async Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        int count = await MeasureAsync("get", () => Inner.GetRangeAsync(key, position, destination, cancellationToken), cancellationToken);
        CountBytes("get", count);
        return count;
    }

    public override async Task<byte[]> GetAsync(string key, CancellationToken cancellationToken)
    {
        byte[] bytes = await MeasureAsync("get", () => Inner.GetAsync(key, cancellationToken), cancellationToken);
        CountBytes("get", bytes.Length);
        return bytes;
    }

    public override Task<long?> HeadAsync(string key, CancellationToken cancellationToken) =>
        MeasureAsync("head", () => Inner.HeadAsync(key, cancellationToken), cancellationToken);

    public override async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        TimeSpan waited = TimeSpan.Zero;
        try
        {
            await using IAsyncEnumerator<ObjectInfo> listing =
                Inner.ListAsync(prefix, startAfter, cancellationToken).GetAsyncEnumerator(cancellationToken);
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

    public override Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        MeasureAsync("delete", () => Inner.DeleteAsync(keys, cancellationToken), cancellationToken);

    private Task MeasureAsync(string operation, Func<Task> request, CancellationToken cancellationToken) =>
        MeasureAsync(
            operation,
            async () =>
            {
                await request();
                return true;
            },
            cancellationToken);

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

    private sealed class Upload(MeteredObjectStore store, IMultipartUpload inner) : DelegatingUpload(inner)
    {
        public override async Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken)
        {
            await store.MeasureAsync("part", () => base.AppendAsync(part, cancellationToken), cancellationToken);
            store.CountBytes("part", ObjectStores.LengthOf(part));
        }

        public override Task<PutOutcome> CompleteAsync(CancellationToken cancellationToken) =>
            store.MeasureAsync("upload", () => base.CompleteAsync(cancellationToken), cancellationToken);

        public override Task AbortAsync(CancellationToken cancellationToken) =>
            store.MeasureAsync("upload", () => base.AbortAsync(cancellationToken), cancellationToken);
    }
}

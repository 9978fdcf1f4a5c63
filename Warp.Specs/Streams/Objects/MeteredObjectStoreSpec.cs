using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Warp.Specs.Contracts;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Objects;

public sealed class MeteredObjectStoreSpec : ObjectStoreSpec
{
    private readonly Meter _meter = new(MeteredObjectStore.MeterName);
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, double> _sums = new();

    public MeteredObjectStoreSpec()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _meter)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();

        void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            _sums.AddOrUpdate($"{instrument.Name} {tags[0].Key}={tags[0].Value}", value, (_, sum) => sum + value);
    }

    protected override Task<IObjectStore> OpenAsync() =>
        Task.FromResult<IObjectStore>(new MeteredObjectStore(new MemoryObjectStore(TimeProvider.System), _meter, TimeProvider.System));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _listener.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public async Task Requests_and_bytes_are_counted_by_operation()
    {
        await PutAsync("a", "0123", "456789");
        await PutAsync("a", "again");
        await Store.GetRangeAsync("a", 8, new byte[5], Cancellation);
        await Store.GetAsync("a", Cancellation);
        await Store.HeadAsync("a", Cancellation);
        await ListAsync("", null);
        await Store.DeleteAsync(["a", "b"], Cancellation);

        Assert.Equal((2, 10), (Sum("requests", "put"), Sum("bytes", "put")));
        Assert.Equal((2, 12), (Sum("requests", "get"), Sum("bytes", "get")));
        Assert.Equal((1, 1, 1), (Sum("requests", "head"), Sum("requests", "list"), Sum("requests", "delete")));
        Assert.All(["put", "get", "head", "list", "delete"], operation => Assert.True(Sum("duration", operation) > 0, operation));
        Assert.DoesNotContain(_sums.Keys, key => key.StartsWith("warp.store.errors", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Uploads_are_counted_by_their_parts()
    {
        await using (IMultipartUpload upload = await Store.StartUploadAsync("big", Cancellation))
        {
            await upload.AppendAsync([new byte[IMultipartUpload.MinPartSize]], Cancellation);
            await upload.AppendAsync([new byte[3], new byte[4]], Cancellation);
            await upload.CompleteAsync(Cancellation);
        }
        await Store.AbortUploadsAsync("", DateTimeOffset.UtcNow, Cancellation);

        Assert.Equal((2, IMultipartUpload.MinPartSize + 7), (Sum("requests", "part"), Sum("bytes", "part")));
        Assert.Equal((3, 0), (Sum("requests", "upload"), Sum("requests", "put")));
    }

    [Fact]
    public async Task Failures_are_counted_but_missing_objects_and_cancellations_are_not()
    {
        await using var failing = new MeteredObjectStore(new FailingObjectStore(), _meter, TimeProvider.System);
        await Assert.ThrowsAsync<ObjectStoreException>(() => failing.PutAsync("a", [], Cancellation));
        await Assert.ThrowsAsync<ObjectStoreException>(() => failing.DeleteAsync(["a"], Cancellation));
        await Assert.ThrowsAsync<ObjectStoreException>(async () =>
        {
            await foreach (ObjectInfo _ in failing.ListAsync("", null, Cancellation))
            {
            }
        });
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => Store.GetAsync("a", Cancellation));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.GetAsync("a", new CancellationToken(canceled: true)));

        Assert.Equal((1, 1, 1, 0), (Sum("errors", "put"), Sum("errors", "delete"), Sum("errors", "list"), Sum("errors", "get")));
        Assert.Equal((1, 2), (Sum("requests", "put"), Sum("requests", "get")));
    }

    private double Sum(string instrument, string operation) => _sums.GetValueOrDefault($"warp.store.{instrument} operation={operation}");

    private sealed class FailingObjectStore : IObjectStore
    {
        public string Description => "failing:";

        private ObjectStoreException Failure => new(Description, null, "It fails.", isTransient: true);

        public Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken) =>
            Task.FromException<PutOutcome>(Failure);

        public Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) => throw Failure;

        public Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken) =>
            throw Failure;

        public Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken) =>
            throw Failure;

        public Task<byte[]> GetAsync(string key, CancellationToken cancellationToken) => throw Failure;

        public Task<long?> HeadAsync(string key, CancellationToken cancellationToken) => throw Failure;

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, CancellationToken cancellationToken) =>
            FailAsync();

        public Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) => throw Failure;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private async IAsyncEnumerable<ObjectInfo> FailAsync()
        {
            yield return await Task.FromException<ObjectInfo>(Failure);
        }
    }
}

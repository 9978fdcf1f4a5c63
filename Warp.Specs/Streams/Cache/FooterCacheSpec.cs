using System.Diagnostics.Metrics;
using Warp.Specs.Streams.Format;
using Warp.Streams.Cache;
using Warp.Streams.Format;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Cache;

public sealed class FooterCacheSpec : IDisposable
{
    private readonly Meter _meter = new(ChunkCache.MeterName);
    private readonly GateObjectStore _store = new();
    private readonly ChunkCache _chunks;
    private readonly FooterCache _footers;
    private readonly Random _random = TestSeed.Random();

    public FooterCacheSpec()
    {
        _chunks = new ChunkCache(_store, 64 << 20, _meter);
        _footers = new FooterCache(_store, _chunks, 1 << 20);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _chunks.Dispose();
        _meter.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_footer_is_read_once_whether_the_size_is_known_or_not(bool sizeIsKnown)
    {
        using EncodedObject encoded = Put("key", ObjectSamples.Batches(_random, 50));
        long? size = sizeIsKnown ? encoded.Length : null;

        FooterAssert.Same(encoded.Footer(), await _footers.GetAsync(encoded.Id, "key", size, Cancellation));

        ValueTask<ObjectFooter> again = _footers.GetAsync(encoded.Id, "key", size, Cancellation);
        Assert.True(again.IsCompletedSuccessfully);
        FooterAssert.Same(encoded.Footer(), await again);
        Assert.Equal(1, _store.Gets);
    }

    [Fact]
    public async Task A_footer_that_begins_in_the_chunk_before_the_last_is_read()
    {
        BatchToWrite[] batches = [.. Enumerable.Range(0, 3000).Select(i => ObjectSamples.Batch(_random, i % 7, i, 100))];
        int tail;
        using (EncodedObject sample = Encode(3_000_000))
            tail = ObjectFooter.TailLength(sample.ToArray(), sample.Length);
        // The end of the first chunk comes at the footer's start, in its middle, and in the trailer.
        foreach (int inFirstChunk in new[] { 1, tail / 2, tail - 5 })
        {
            using EncodedObject encoded = Encode(ObjectFormat.ChunkSize - inFirstChunk - ObjectFormat.HeaderBytes - (3000 * 100));
            Assert.Equal([ObjectFormat.ChunkSize, tail - inFirstChunk], encoded.Blocks.Select(block => block.Length));
            string key = $"key-{inFirstChunk}";
            _store.Add(key, encoded.ToArray());

            FooterAssert.Same(encoded.Footer(), await _footers.GetAsync(encoded.Id, key, encoded.Length, Cancellation));
        }

        EncodedObject Encode(int filler) => ObjectSamples.Encode(_random, [.. batches, ObjectSamples.Batch(_random, 8, 0, filler)]);
    }

    [Fact]
    public async Task Many_who_wait_cause_one_read_and_one_who_leaves_does_not_stop_it()
    {
        using EncodedObject encoded = Put("key", ObjectSamples.Batches(_random, 5));
        _store.Close();
        using var impatient = new CancellationTokenSource();
        Task<ObjectFooter> leaving = _footers.GetAsync(encoded.Id, "key", encoded.Length, impatient.Token).AsTask();
        Task<ObjectFooter>[] staying =
            [.. Enumerable.Range(0, 20).Select(_ => _footers.GetAsync(encoded.Id, "key", encoded.Length, Cancellation).AsTask())];

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        _store.Open();

        ObjectFooter[] footers = await Task.WhenAll(staying);
        Assert.All(footers, footer => Assert.Same(footers[0], footer));
        Assert.Equal(1, _store.Gets);
    }

    [Fact]
    public async Task The_footer_of_an_object_that_was_just_put_needs_no_read()
    {
        using EncodedObject encoded = ObjectSamples.Encode(_random, ObjectSamples.Batches(_random, 5));
        _chunks.Offer(encoded);
        FooterAssert.Same(encoded.Footer(), await _footers.GetAsync(encoded.Id, "key", encoded.Length, Cancellation));
        Assert.Equal(0, _store.Gets);
    }

    [Fact]
    public async Task Missing_foreign_and_corrupt_objects_are_named_and_not_remembered()
    {
        using EncodedObject encoded = Put("mine", ObjectSamples.Batches(_random, 5));
        using EncodedObject other = ObjectSamples.Encode(_random, ObjectSamples.Batches(_random, 5));
        _store.Add("junk", new byte[1000]);
        _store.Add("empty", []);

        foreach (long? size in new long?[] { null, 100 })
            await Assert.ThrowsAsync<ObjectNotFoundException>(() => GetAsync(other, "missing", size));
        await Assert.ThrowsAsync<CorruptObjectException>(() => GetAsync(other, "junk", null));
        _chunks.Dispose();
        using var chunks = new ChunkCache(_store, 1 << 20, _meter);
        var footers = new FooterCache(_store, chunks, 1 << 20);
        await Assert.ThrowsAsync<CorruptObjectException>(() => footers.GetAsync(other.Id, "empty", null, Cancellation).AsTask());
        var foreign = await Assert.ThrowsAsync<CorruptObjectException>(
            () => footers.GetAsync(other.Id, "mine", null, Cancellation).AsTask());
        Assert.Contains(encoded.Id.ToString(), foreign.Message);

        Task<ObjectFooter> GetAsync(EncodedObject which, string key, long? size) =>
            _footers.GetAsync(which.Id, key, size, Cancellation).AsTask();
    }

    [Fact]
    public async Task The_footers_that_were_not_used_longest_are_given_up_at_the_bound()
    {
        EncodedObject[] objects = [.. Enumerable.Range(0, 12).Select(i => Put($"key-{i}", ObjectSamples.Batch(_random, 0, 0, 100)))];
        long each = objects[0].Footer().MemoryBytes;
        var footers = new FooterCache(_store, _chunks, each * 10);
        var first = new ObjectFooter[12];
        for (int i = 0; i < 10; i++)
            first[i] = await GetAsync(i);
        await GetAsync(0);

        first[10] = await GetAsync(10);
        first[11] = await GetAsync(11);

        Assert.Equal(each * 10, footers.ResidentBytes);
        Assert.Same(first[0], await GetAsync(0));
        Assert.NotSame(first[1], await GetAsync(1));
        Assert.NotSame(first[2], await GetAsync(2));
        Assert.Same(first[11], await GetAsync(11));
        foreach (EncodedObject encoded in objects)
            encoded.Dispose();

        async Task<ObjectFooter> GetAsync(int number) => await footers.GetAsync(objects[number].Id, $"key-{number}", null, Cancellation);
    }

    private EncodedObject Put(string key, params BatchToWrite[] batches)
    {
        EncodedObject encoded = ObjectSamples.Encode(_random, batches);
        _store.Add(key, encoded.ToArray());
        return encoded;
    }
}

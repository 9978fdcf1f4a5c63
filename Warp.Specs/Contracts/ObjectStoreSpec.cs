using System.Text;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Contracts;

/// <summary>What every object store keeps; a backend's spec inherits it.</summary>
public abstract partial class ObjectStoreSpec : IAsyncLifetime
{
    /// <summary>An empty store, open while a test runs.</summary>
    protected IObjectStore Store { get; private set; } = null!;

    /// <summary>Cancelled when the test run is.</summary>
    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Opens the store. A second call opens the same one again, if it outlives its opening.</summary>
    protected abstract Task<IObjectStore> OpenAsync();

    public virtual async ValueTask InitializeAsync() => Store = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_was_put_is_read_back_whole()
    {
        Assert.Equal(PutOutcome.Stored, await PutAsync("l0/aa/1", "hello, ", "", "world"));

        Assert.Equal("hello, world", Encoding.UTF8.GetString(await Store.GetAsync("l0/aa/1", Cancellation)));
        Assert.Equal(12, await Store.HeadAsync("l0/aa/1", Cancellation));
    }

    [Fact]
    public async Task A_second_put_changes_nothing_and_says_so()
    {
        await PutAsync("key", "first");

        Assert.Equal(PutOutcome.AlreadyExists, await PutAsync("key", "second, longer"));

        Assert.Equal("first", Encoding.UTF8.GetString(await Store.GetAsync("key", Cancellation)));
    }

    [Fact]
    public async Task Of_64_writers_at_once_one_stores_and_its_bytes_are_whole()
    {
        for (int round = 0; round < 5; round++)
        {
            string key = $"race/{round}";
            var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Task<PutOutcome>[] puts = [.. Enumerable.Range(0, 64).Select(async writer =>
            {
                var piece = new byte[5000];
                Array.Fill(piece, (byte)writer);
                await start.Task;
                return await Store.PutAsync(key, [piece, piece, piece], Cancellation);
            })];
            start.SetResult();
            PutOutcome[] outcomes = await Task.WhenAll(puts);

            int winner = Assert.Single(Enumerable.Range(0, 64), writer => outcomes[writer] == PutOutcome.Stored);
            byte[] bytes = await Store.GetAsync(key, Cancellation);
            Assert.Equal(15_000, bytes.Length);
            Assert.All(bytes, b => Assert.Equal(winner, b));
        }
    }

    [Fact]
    public async Task Ranges_give_what_the_object_has_of_them()
    {
        await PutAsync("key", "0123456789");

        Assert.Equal("0123456789", await RangeAsync(0, 10));
        Assert.Equal("345", await RangeAsync(3, 3));
        Assert.Equal("89", await RangeAsync(8, 5));
        Assert.Equal("", await RangeAsync(10, 5));
        Assert.Equal("", await RangeAsync(5_000_000_000, 5));
        Assert.Equal("", await RangeAsync(2, 0));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => RangeAsync(-1, 5));

        async Task<string> RangeAsync(long position, int length)
        {
            var destination = new byte[length];
            int count = await Store.GetRangeAsync("key", position, destination, Cancellation);
            Assert.All(destination[count..], b => Assert.Equal(0, b));
            return Encoding.UTF8.GetString(destination, 0, count);
        }
    }

    [Fact]
    public async Task An_object_of_several_blocks_is_read_back_by_blocks()
    {
        const int Block = 4 << 20;
        const int Size = 9 << 20;
        var bytes = new byte[Size];
        new Random(9).NextBytes(bytes);
        ReadOnlyMemory<byte>[] blocks = [bytes.AsMemory(0, Block), bytes.AsMemory(Block, Block), bytes.AsMemory(2 * Block)];
        await Store.PutAsync("l0/00/big", blocks, Cancellation);

        Assert.Equal(Size, await Store.HeadAsync("l0/00/big", Cancellation));
        var read = new byte[Block];
        for (int position = 0; position < Size; position += Block)
        {
            int count = await Store.GetRangeAsync("l0/00/big", position, read, Cancellation);
            Assert.Equal(Math.Min(Block, Size - position), count);
            Assert.True(read.AsSpan(0, count).SequenceEqual(bytes.AsSpan(position, count)));
        }
    }

    [Fact]
    public async Task An_empty_object_is_an_object()
    {
        Assert.Equal(PutOutcome.Stored, await Store.PutAsync("empty", [], Cancellation));

        Assert.Equal(PutOutcome.AlreadyExists, await PutAsync("empty", "x"));
        Assert.Equal(0, await Store.HeadAsync("empty", Cancellation));
        Assert.Empty(await Store.GetAsync("empty", Cancellation));
        Assert.Equal(0, await Store.GetRangeAsync("empty", 0, new byte[4], Cancellation));
        Assert.Equal(["empty"], await ListAsync("", null));
    }

    [Fact]
    public async Task A_missing_object_is_named()
    {
        await PutAsync("there/too", "x");
        foreach (string key in new[] { "missing", "no/folder/either", "there/not" })
        {
            Assert.Null(await Store.HeadAsync(key, Cancellation));
            var whole = await Assert.ThrowsAsync<ObjectNotFoundException>(() => Store.GetAsync(key, Cancellation));
            var range = await Assert.ThrowsAsync<ObjectNotFoundException>(() => Store.GetRangeAsync(key, 0, new byte[1], Cancellation));
            Assert.All([whole, range], e =>
            {
                Assert.Equal(key, e.Key);
                Assert.Contains(key, e.Message);
                Assert.Contains(e.Store, e.Message);
                Assert.Contains(e.Store, Store.Description);
                Assert.False(e.IsTransient);
            });
        }
    }

    [Fact]
    public async Task Listings_are_in_the_order_of_keys_and_go_on_after_any_key()
    {
        string[] keys =
        [
            "a-b", "a.b", "a/x1", "b/1/1", "b/1/2", "b/10/1", "b/2/1", "b0", "bb/1",
            "l0/00/01A", "l0/00/01B", "l0/ff/01A", "l1/00/01A", "z",
        ];
        foreach (string key in keys.Reverse())
            await PutAsync(key, key);
        string[] sorted = [.. keys.Order(StringComparer.Ordinal)];

        Assert.Equal(sorted, await ListAsync("", null));
        foreach (string prefix in new[] { "a", "a/", "b", "b/", "b/1", "b/1/", "l0/", "l0/0", "l0/00/01A", "none", "none/at/all", "zz" })
            Assert.Equal(sorted.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)), await ListAsync(prefix, null));
        foreach (string after in sorted.Concat(["0", "a/", "a/x", "b/1", "b/1/", "b/1/15", "b/100", "c", "l0/00/zzz", "zz"]))
        {
            Assert.Equal(sorted.Where(key => string.CompareOrdinal(key, after) > 0), await ListAsync("", after));
            Assert.Equal(
                sorted.Where(key => key.StartsWith("b/", StringComparison.Ordinal) && string.CompareOrdinal(key, after) > 0),
                await ListAsync("b/", after));
        }
    }

    [Fact]
    public async Task A_listing_tells_sizes_and_times_and_can_be_read_in_pages()
    {
        for (int i = 0; i < 25; i++)
            await PutAsync($"page/{i:d2}", new string('x', i));

        var seen = new List<ObjectInfo>();
        int page = 0;
        do
        {
            page = 0;
            await foreach (ObjectInfo info in Store.ListAsync("page/", seen.Count == 0 ? null : seen[^1].Key, Cancellation))
            {
                seen.Add(info);
                if (++page == 7)
                    break;
            }
        }
        while (page > 0);

        Assert.Equal(Enumerable.Range(0, 25).Select(i => ($"page/{i:d2}", (long)i)), seen.Select(info => (info.Key, info.Size)));
        Assert.All(seen, info => Assert.True(info.LastModified > DateTimeOffset.UnixEpoch));
    }

    [Fact]
    public async Task Deleted_objects_are_gone_and_missing_ones_are_no_error()
    {
        foreach (string key in new[] { "d/1", "d/2", "d/3" })
            await PutAsync(key, key);

        await Store.DeleteAsync(["d/1", "d/never", "no/folder/either", "d/3"], Cancellation);
        await Store.DeleteAsync([], Cancellation);
        await Store.DeleteAsync(["d/1"], Cancellation);

        Assert.Equal(["d/2"], await ListAsync("", null));
        Assert.Null(await Store.HeadAsync("d/1", Cancellation));
        Assert.Equal(PutOutcome.Stored, await PutAsync("d/1", "again"));
        Assert.Equal("again", Encoding.UTF8.GetString(await Store.GetAsync("d/1", Cancellation)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/absolute")]
    [InlineData("folder/")]
    [InlineData("a//b")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData("../outside")]
    [InlineData("a/./b")]
    [InlineData(".tmp/x")]
    [InlineData("a\\b")]
    [InlineData("a b")]
    [InlineData("a\0b")]
    [InlineData("naïve")]
    [InlineData("c:d")]
    [InlineData("a*")]
    public async Task Strange_keys_are_refused(string key)
    {
        await Assert.ThrowsAnyAsync<ArgumentException>(() => PutAsync(key, "x"));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Store.GetAsync(key, Cancellation));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Store.GetRangeAsync(key, 0, new byte[1], Cancellation));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Store.HeadAsync(key, Cancellation));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Store.DeleteAsync(["fine", key], Cancellation));
        Assert.Empty(await ListAsync("", null));
    }

    [Fact]
    public async Task A_cancelled_call_does_not_start()
    {
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.PutAsync("key", [new byte[1]], cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.GetAsync("key", cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.DeleteAsync(["key"], cancelled));
        Assert.Null(await Store.HeadAsync("key", Cancellation));
    }

    protected Task<PutOutcome> PutAsync(string key, params string[] content) =>
        Store.PutAsync(key, [.. content.Select(piece => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(piece))], Cancellation);

    protected async Task<List<string>> ListAsync(string prefix, string? startAfter)
    {
        var keys = new List<string>();
        await foreach (ObjectInfo info in Store.ListAsync(prefix, startAfter, Cancellation))
            keys.Add(info.Key);
        return keys;
    }
}

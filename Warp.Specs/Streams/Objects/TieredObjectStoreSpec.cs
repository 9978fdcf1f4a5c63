using Warp.Specs.Contracts;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Objects;

public sealed class TieredObjectStoreSpec : ObjectStoreSpec
{
    private readonly MemoryObjectStore _first = new(TimeProvider.System);
    private readonly MemoryObjectStore _compacted = new(TimeProvider.System);

    protected override Task<IObjectStore> OpenAsync() =>
        Task.FromResult<IObjectStore>(new TieredObjectStore(_first, _compacted, new ObjectKeys()));

    [Fact]
    public async Task Compacted_objects_lie_in_the_second_store_and_everything_else_in_the_first()
    {
        foreach (string key in new[] { "l0/aa/1", "l1/aa/1", "l2/aa/1", "warp/cluster", "l10/x" })
            await PutAsync(key, key);
        await using (IMultipartUpload upload = await Store.StartUploadAsync("l1/bb/2", Cancellation))
        {
            await upload.AppendAsync([new byte[1]], Cancellation);
            await upload.CompleteAsync(Cancellation);
        }

        Assert.Equal(["l0/aa/1", "l10/x", "warp/cluster"], await KeysAsync(_first));
        Assert.Equal(["l1/aa/1", "l1/bb/2", "l2/aa/1"], await KeysAsync(_compacted));
        Assert.Equal(["l0/aa/1", "l1/aa/1", "l1/bb/2", "l10/x", "l2/aa/1", "warp/cluster"], await ListAsync("", null));
        await Store.DeleteAsync(["l0/aa/1", "l1/aa/1", "l2/aa/1"], Cancellation);
        Assert.Equal(["l1/bb/2", "l10/x", "warp/cluster"], await ListAsync("", null));
    }

    [Fact]
    public async Task What_was_compacted_before_there_was_a_second_store_is_still_found_and_deleted()
    {
        await _first.PutAsync("l1/aa/old", ["old"u8.ToArray()], Cancellation);

        Assert.Equal("old"u8.ToArray(), await Store.GetAsync("l1/aa/old", Cancellation));
        Assert.Equal(2, await Store.GetRangeAsync("l1/aa/old", 1, new byte[5], Cancellation));
        Assert.Equal(3, await Store.HeadAsync("l1/aa/old", Cancellation));
        Assert.Equal(["l1/aa/old"], await ListAsync("l1/", null));
        await Store.DeleteAsync(["l1/aa/old"], Cancellation);
        Assert.Empty(await ListAsync("", null));
    }

    private static async Task<List<string>> KeysAsync(IObjectStore store) =>
        await store.ListAsync("", null, Cancellation).Select(static info => info.Key).ToListAsync(Cancellation);
}

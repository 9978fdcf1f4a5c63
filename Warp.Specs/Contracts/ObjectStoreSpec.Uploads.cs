using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Contracts;

public abstract partial class ObjectStoreSpec
{
    private const int Part = IMultipartUpload.MinPartSize;

    /// <summary>Whether exactly the uploads that tests leave unfinished can be found and aborted. Some stores discard them by themselves,
    /// and an attempt to start one that seemed to fail may have left one more.</summary>
    protected virtual bool CountsUploads => true;

    [Fact]
    public async Task Parts_become_an_object_when_the_upload_is_completed()
    {
        byte[] bytes = RandomBytes(2 * Part + 12_345);
        await using IMultipartUpload upload = await Store.StartUploadAsync("l1/00/parts", Cancellation);
        await upload.AppendAsync([bytes.AsMemory(0, 1000), bytes.AsMemory(1000, Part - 1000)], Cancellation);
        await upload.AppendAsync([bytes.AsMemory(Part, Part)], Cancellation);
        await upload.AppendAsync([bytes.AsMemory(2 * Part)], Cancellation);
        Assert.Null(await Store.HeadAsync("l1/00/parts", Cancellation));
        Assert.Empty(await ListAsync("", null));

        Assert.Equal(PutOutcome.Stored, await upload.CompleteAsync(Cancellation));

        Assert.Equal(PutOutcome.Stored, await upload.CompleteAsync(Cancellation));
        Assert.Equal("l1/00/parts", upload.Key);
        Assert.Equal(bytes.Length, await Store.HeadAsync("l1/00/parts", Cancellation));
        Assert.True((await Store.GetAsync("l1/00/parts", Cancellation)).AsSpan().SequenceEqual(bytes));
        await Assert.ThrowsAsync<InvalidOperationException>(() => upload.AppendAsync([new byte[1]], Cancellation));
    }

    [Fact]
    public async Task An_upload_may_be_short_or_empty()
    {
        await using IMultipartUpload shortOne = await Store.StartUploadAsync("short", Cancellation);
        await shortOne.AppendAsync([new byte[] { 7 }], Cancellation);
        await using IMultipartUpload empty = await Store.StartUploadAsync("empty", Cancellation);

        Assert.Equal(PutOutcome.Stored, await shortOne.CompleteAsync(Cancellation));
        Assert.Equal(PutOutcome.Stored, await empty.CompleteAsync(Cancellation));

        Assert.Equal([7], await Store.GetAsync("short", Cancellation));
        Assert.Empty(await Store.GetAsync("empty", Cancellation));
    }

    [Fact]
    public async Task An_upload_never_replaces_an_object()
    {
        await using IMultipartUpload upload = await Store.StartUploadAsync("key", Cancellation);
        // Before the part: Azurite, unlike Azure, takes a key with uncommitted blocks for one that is taken.
        await PutAsync("key", "first");
        await upload.AppendAsync([new byte[10]], Cancellation);

        Assert.Equal(PutOutcome.AlreadyExists, await upload.CompleteAsync(Cancellation));

        Assert.Equal("first"u8.ToArray(), await Store.GetAsync("key", Cancellation));
    }

    [Fact]
    public async Task Two_uploads_of_one_key_do_not_mix()
    {
        await using IMultipartUpload one = await Store.StartUploadAsync("key", Cancellation);
        await using IMultipartUpload other = await Store.StartUploadAsync("key", Cancellation);
        await one.AppendAsync([new byte[] { 1, 1 }], Cancellation);
        await other.AppendAsync([new byte[] { 2, 2, 2 }], Cancellation);

        Assert.Equal(PutOutcome.Stored, await one.CompleteAsync(Cancellation));
        Assert.Equal(PutOutcome.AlreadyExists, await other.CompleteAsync(Cancellation));

        Assert.Equal([1, 1], await Store.GetAsync("key", Cancellation));
    }

    [Fact]
    public async Task An_aborted_upload_leaves_nothing()
    {
        IMultipartUpload upload = await Store.StartUploadAsync("key", Cancellation);
        await upload.AppendAsync([new byte[10]], Cancellation);

        await upload.AbortAsync(Cancellation);
        await upload.AbortAsync(Cancellation);

        await Assert.ThrowsAsync<ObjectStoreException>(() => upload.CompleteAsync(Cancellation));
        await upload.DisposeAsync();
        Assert.Null(await Store.HeadAsync("key", Cancellation));
        if (CountsUploads)
            Assert.Equal(0, await Store.AbortUploadsAsync("", DateTimeOffset.MaxValue, Cancellation));
    }

    [Fact]
    public async Task Unfinished_uploads_are_aborted_by_age_and_prefix()
    {
        await using IMultipartUpload upload = await Store.StartUploadAsync("l1/00/left", Cancellation);
        await upload.AppendAsync([new byte[10]], Cancellation);
        if (!CountsUploads)
            return;

        Assert.Equal(0, await Store.AbortUploadsAsync("", DateTimeOffset.UtcNow.AddMinutes(-10), Cancellation));
        Assert.Equal(0, await Store.AbortUploadsAsync("l2/", DateTimeOffset.MaxValue, Cancellation));
        Assert.Equal(1, await Store.AbortUploadsAsync("l1/", DateTimeOffset.MaxValue, Cancellation));
        Assert.Equal(0, await Store.AbortUploadsAsync("l1/", DateTimeOffset.MaxValue, Cancellation));

        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => upload.CompleteAsync(Cancellation));
        Assert.False(error.IsTransient, error.Message);
        Assert.Null(await Store.HeadAsync("l1/00/left", Cancellation));
    }

    [Fact]
    public async Task The_rules_of_parts_are_kept()
    {
        await using IMultipartUpload upload = await Store.StartUploadAsync("key", Cancellation);
        await upload.AppendAsync([new byte[Part - 1]], Cancellation);

        await Assert.ThrowsAsync<InvalidOperationException>(() => upload.AppendAsync([new byte[1]], Cancellation));

        await Assert.ThrowsAnyAsync<ArgumentException>(() => Store.StartUploadAsync("../key", Cancellation));
        Assert.Equal(PutOutcome.Stored, await upload.CompleteAsync(Cancellation));
    }

    private static byte[] RandomBytes(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}

using System.Text;
using Warp.Protocol.Wire;
using Warp.Specs.Contracts;
using Warp.Specs.Streams.Format;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Objects;

public sealed class DirectoryObjectStoreSpec : ObjectStoreSpec
{
    private readonly string _parent = Directory.CreateTempSubdirectory("warp-store-").FullName;

    private string Root => Path.Combine(_parent, "not", "there", "yet");

    private string Temporary => Path.Combine(Root, ".tmp");

    protected override Task<IObjectStore> OpenAsync() => Task.FromResult<IObjectStore>(DirectoryObjectStore.Open(Root));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_parent, recursive: true);
    }

    [Fact]
    public async Task Objects_survive_reopening()
    {
        await PutAsync("l0/aa/1", "kept");
        await Store.DisposeAsync();

        await using IObjectStore reopened = await OpenAsync();

        Assert.Equal("kept", Encoding.UTF8.GetString(await reopened.GetAsync("l0/aa/1", Cancellation)));
        Assert.Equal(PutOutcome.AlreadyExists, await reopened.PutAsync("l0/aa/1", [new byte[1]], Cancellation));
    }

    [Theory]
    [InlineData((256 << 10) - 1)]
    [InlineData(256 << 10)]
    [InlineData(1 << 20)]
    [InlineData((1 << 20) + 4096)]
    [InlineData((3 << 20) - 1)]
    [InlineData((8 << 20) + 4711)]
    public async Task Large_objects_have_every_byte_in_its_place_whatever_their_pieces(int size)
    {
        var random = new Random(size);
        var bytes = new byte[size];
        random.NextBytes(bytes);
        var pieces = new List<ReadOnlyMemory<byte>>();
        for (int start = 0; start < size; start += pieces[^1].Length)
            pieces.Add(bytes.AsMemory(start, Math.Min(size - start, random.Next(1, 700_000))));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Store.PutAsync($"l0/aa/{i}", pieces, Cancellation)));

        for (int i = 0; i < 4; i++)
            Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(Root, "l0", "aa", $"{i}"), Cancellation));
    }

    [Theory]
    [InlineData(4 << 20, 4 << 20)]
    [InlineData(4 << 20, (1 << 20) + 17)]
    [InlineData(4 << 20, 300_000, 4 << 20)]
    [InlineData(100, 4 << 20, 100)]
    [InlineData((1 << 20) - 1, 1, 4096, 4095, 1 << 20)]
    public async Task Pieces_that_begin_at_a_page_of_memory_are_written_like_any_others(params int[] lengths)
    {
        Random random = TestSeed.Random();
        for (int round = 0; round < 8; round++)
        {
            List<PooledBuffer> buffers = [.. lengths.Select(static length => PooledBuffer.Rent(Math.Max(length, 256 << 10) + 4096))];
            List<ReadOnlyMemory<byte>> pieces = [];
            foreach ((PooledBuffer buffer, int length) in buffers.Zip(lengths))
            {
                random.NextBytes(buffer.Memory.Span);
                pieces.Add(buffer.Memory.Slice(random.Next(2) == 0 ? 0 : random.Next(1, 4096), length));
            }
            await Store.PutAsync($"l0/aa/{round}", pieces, Cancellation);

            byte[] stored = await File.ReadAllBytesAsync(Path.Combine(Root, "l0", "aa", $"{round}"), Cancellation);
            Assert.Equal(pieces.SelectMany(static piece => piece.ToArray()).ToArray(), stored);
            buffers.ForEach(static buffer => buffer.Release());
        }
    }

    [Fact]
    public async Task Large_parts_of_an_upload_have_every_byte_in_its_place()
    {
        int[] lengths = [5 << 20, (5 << 20) + 1, (5 << 20) + 4095, 300_001];
        var bytes = new byte[lengths.Sum()];
        new Random(5).NextBytes(bytes);
        await using (IMultipartUpload upload = await Store.StartUploadAsync("l1/aa/1", Cancellation))
        {
            int position = 0;
            foreach (int length in lengths)
            {
                await upload.AppendAsync([bytes.AsMemory(position, length)], Cancellation);
                position += length;
            }
            await upload.CompleteAsync(Cancellation);
        }
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(Root, "l1", "aa", "1"), Cancellation));
    }

    [Fact]
    public async Task Two_that_have_the_folder_open_see_each_others_objects()
    {
        await using IObjectStore other = await OpenAsync();
        await PutAsync("a/1", "mine");

        Assert.Equal(PutOutcome.AlreadyExists, await other.PutAsync("a/1", [new byte[1]], Cancellation));
        Assert.Equal(PutOutcome.Stored, await other.PutAsync("a/2", [new byte[1]], Cancellation));

        Assert.Equal(["a/1", "a/2"], await ListAsync("", null));
    }

    [Fact]
    public async Task What_a_killed_process_left_half_written_is_invisible_and_removed_at_the_next_put()
    {
        string killed = Path.Combine(Temporary, "killed");
        Directory.CreateDirectory(killed);
        await File.WriteAllTextAsync(killed + ".lock", "", Cancellation);
        await File.WriteAllTextAsync(Path.Combine(killed, "1"), "half", Cancellation);
        Assert.Empty(await ListAsync("", null));

        await using IObjectStore next = await OpenAsync();
        Assert.True(File.Exists(Path.Combine(killed, "1")));
        await next.PutAsync("a", [], Cancellation);

        Assert.False(Directory.Exists(killed));
        Assert.False(File.Exists(killed + ".lock"));
    }

    [Fact]
    public async Task Files_that_somebody_is_writing_are_left_alone_by_another_opening()
    {
        string mine = Assert.Single(Directory.GetDirectories(Temporary));
        string half = Path.Combine(mine, "half");
        await File.WriteAllTextAsync(half, "half", Cancellation);

        await using IObjectStore other = await OpenAsync();

        Assert.True(File.Exists(half));
        Assert.Equal(2, Directory.GetDirectories(Temporary).Length);
        Assert.Equal(PutOutcome.Stored, await PutAsync("still/works", "x"));
    }

    [Fact]
    public async Task Puts_and_closing_leave_nothing_temporary()
    {
        await PutAsync("a", "x");
        await PutAsync("a", "x");
        await Assert.ThrowsAsync<ObjectStoreException>(() => PutAsync("a/b", "x"));
        Assert.Empty(Directory.GetFiles(Assert.Single(Directory.GetDirectories(Temporary))));

        await Store.DisposeAsync();

        Assert.Empty(Directory.GetFileSystemEntries(Temporary));
    }

    [Fact]
    public async Task A_key_that_is_a_folder_of_others_is_a_clear_error()
    {
        await PutAsync("a/b", "x");

        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => PutAsync("a", "x"));

        Assert.Contains("is a folder", error.Message);
        Assert.Null(await Store.HeadAsync("a", Cancellation));
    }

    [Fact]
    public async Task A_put_whose_temporary_folder_is_gone_fails_and_stores_nothing()
    {
        Directory.Delete(Assert.Single(Directory.GetDirectories(Temporary)));

        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => PutAsync("a", "x"));

        Assert.IsNotType<ObjectNotFoundException>(error);
        Assert.Contains(Store.Description, error.Message);
        Assert.Null(await Store.HeadAsync("a", Cancellation));
    }

    [Fact]
    public async Task Files_that_are_no_objects_are_not_listed()
    {
        await PutAsync("l0/aa/1", "x");
        Directory.CreateDirectory(Path.Combine(Root, "lost+found"));
        await File.WriteAllTextAsync(Path.Combine(Root, "l0", ".hidden"), "", Cancellation);
        await File.WriteAllTextAsync(Path.Combine(Root, "l0", "with blank"), "", Cancellation);

        Assert.Equal(["l0/aa/1"], await ListAsync("", null));
    }

    [Fact]
    public void A_folder_that_cannot_be_used_says_what_to_do()
    {
        string file = Path.Combine(_parent, "file");
        File.WriteAllText(file, "");

        var error = Assert.Throws<ObjectStoreException>(() => DirectoryObjectStore.Open(file));

        Assert.Contains("file:" + file, error.Message);
        Assert.False(error.IsTransient);
    }
}

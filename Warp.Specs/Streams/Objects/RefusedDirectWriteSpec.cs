using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Objects;

public sealed class RefusedDirectWriteSpec
{
    [Fact]
    public async Task A_file_system_without_direct_writes_gets_every_byte_through_the_page_cache()
    {
        using var disk = TinyDisk.MountWithoutDirectWrites();
        await using IObjectStore store = DirectoryObjectStore.Open(Path.Combine(disk.Path, "objects"));
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        // The first one finds out that it is refused; the ones after it know.
        foreach (int size in (int[])[(1 << 20) + 17, 2 << 20, 100])
        {
            using PooledBuffer bytes = PooledBuffer.Rent(size);
            new Random(size).NextBytes(bytes.Memory.Span);
            await store.PutAsync($"l0/aa/{size}", [bytes.Memory], cancellation);
            Assert.Equal(bytes.Memory.ToArray(), await File.ReadAllBytesAsync(Path.Combine(disk.Path, "objects", "l0", "aa", $"{size}"), cancellation));
        }
    }
}

using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Objects;

public sealed class ObjectStoresSpec
{
    [Fact]
    public async Task Stores_open_by_their_urls()
    {
        string folder = Directory.CreateTempSubdirectory("warp-store-").FullName;
        await using (IObjectStore memory = ObjectStores.Open("mem:", TimeProvider.System))
            Assert.IsType<MemoryObjectStore>(memory);
        foreach (string url in new[] { "file:" + folder, "FILE://" + folder, "file:" + folder + "/" })
        {
            await using IObjectStore store = ObjectStores.Open(url, TimeProvider.System);
            Assert.Equal("file:" + folder, store.Description);
        }
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/var/lib/warp")]
    [InlineData("gopher://bucket")]
    [InlineData("mem:x")]
    [InlineData("file:")]
    public void An_unknown_url_is_refused_with_a_list_of_the_known(string url)
    {
        var error = Assert.Throws<ArgumentException>(() => ObjectStores.Open(url, TimeProvider.System));
        Assert.Contains($"'{url}'", error.Message);
        Assert.Contains("mem:", error.Message);
        Assert.Contains("file:PATH", error.Message);
    }
}

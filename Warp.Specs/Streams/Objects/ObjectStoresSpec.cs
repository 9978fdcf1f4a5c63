using Warp.Streams.Objects;
using Warp.Streams.Objects.S3;
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
    public void An_unknown_url_is_refused_with_a_list_of_the_known(string url)
    {
        var error = Assert.Throws<ArgumentException>(() => ObjectStores.Open(url, TimeProvider.System));
        Assert.Contains($"'{url}'", error.Message);
        Assert.Contains("mem:", error.Message);
        Assert.Contains("file:PATH", error.Message);
    }

    [Theory]
    [InlineData("s3://bucket", "s3://bucket")]
    [InlineData("s3://my.bucket-1/a/b/?region=eu-central-1", "s3://my.bucket-1/a/b")]
    [InlineData("s3://b/p?endpoint=http%3A%2F%2Flocalhost%3A9000", "s3://b/p?endpoint=http://localhost:9000")]
    [InlineData("azblob://c/p?account=me", "azblob://c/p?account=me")]
    [InlineData("quorum:mem:|s3://a|file:/x", "quorum:mem:|s3://a|file:/x")]
    [InlineData("fault:errors=0.1&stall-time=200ms:quorum:mem:|mem:|mem:", "fault:seed=0&errors=0.1&stall-time=200ms:quorum:mem:|mem:|mem:")]
    [InlineData("quorum:fault:seed=3:mem:|mem:|mem:", "quorum:fault:seed=3:mem:|mem:|mem:")]
    public void Urls_are_read_without_opening_anything(string text, string read) => Assert.Equal(read, StoreUrl.Parse(text).ToString());

    [Theory]
    [InlineData("file:", "PATH")]
    [InlineData("s3:bucket", "two slashes")]
    [InlineData("s3://", "name")]
    [InlineData("s3://key:secret@bucket", "user names and passwords")]
    [InlineData("s3://bucket/a b", "segment")]
    [InlineData("s3://bucket?path-style=maybe", "'path-style' is true or false")]
    [InlineData("s3://bucket?endpoint=localhost:9000", "'endpoint'")]
    [InlineData("s3://bucket?endpoint=http://me:secret@host", "'endpoint'")]
    [InlineData("s3://bucket?secret-key=secret", "'secret-key' is not known")]
    [InlineData("azblob://container?sig=secret", "from the environment")]
    [InlineData("quorum:mem:|mem:", "odd number")]
    [InlineData("quorum:mem:", "odd number")]
    [InlineData("fault:mem:", "no value")]
    [InlineData("fault:errors=2:mem:", "no fault")]
    public void A_wrong_url_says_what_is_wrong_and_repeats_no_secret(string url, string said)
    {
        var error = Assert.Throws<ArgumentException>(() => StoreUrl.Parse(url));
        Assert.Contains(said, error.Message);
        Assert.DoesNotContain("secret@", error.Message);
        Assert.DoesNotContain("=secret", error.Message);
    }

    [Fact]
    public void Path_style_goes_with_an_endpoint_unless_it_is_set()
    {
        Assert.False(S3("s3://b?region=x").PathStyle);
        Assert.True(S3("s3://b?endpoint=http://host").PathStyle);
        Assert.False(S3("s3://b?endpoint=http://host&path-style=false").PathStyle);
        Assert.Null(S3("s3://b").ConditionalPuts);
        Assert.False(S3("s3://b?conditional-put=false").ConditionalPuts);
        Assert.True(S3("s3://zone--use1-az4--x-s3").IsDirectoryBucket);

        static S3Settings S3(string url) => Assert.IsType<StoreUrl.S3>(StoreUrl.Parse(url)).Settings;
    }
}

using Warp.Specs.Contracts;
using Warp.Specs.Hosting;
using Warp.Streams.Objects;
using Warp.Streams.Objects.AzureBlobs;
using Xunit;

namespace Warp.Specs.Streams.Objects.AzureBlobs;

/// <summary>The store against Azurite.</summary>
public sealed class AzureBlobObjectStoreSpec : ObjectStoreSpec
{
    private AzureBlobServer _server = null!;
    private AzureBlobSettings _place = null!;

    protected override bool CountsUploads => false;

    protected override async Task<IObjectStore> OpenAsync()
    {
        _server = await AzureBlobServer.SharedAsync();
        _place = _server.NewPlace();
        return AzureBlobObjectStore.Open(_place, AzureBlobServer.Environment);
    }

    [Fact]
    public async Task A_connection_string_of_the_environment_says_account_and_key()
    {
        AzureBlobSettings place = _place with { Endpoint = null };
        await using IObjectStore store = AzureBlobObjectStore.Open(place, Only("AZURE_STORAGE_CONNECTION_STRING", _server.ConnectionString));

        Assert.Equal(PutOutcome.Stored, await store.PutAsync("key", [new byte[1]], Cancellation));

        Assert.Equal(["key"], await ListAsync("", null));
        Assert.Equal($"azblob://{AzureBlobServer.Container}/{place.Prefix.TrimEnd('/')}", store.Description);
    }

    [Fact]
    public async Task A_missing_container_is_named()
    {
        ObjectStoreException error = await FailureAsync(_place with { Container = "no-such-container" }, AzureBlobServer.Environment);

        Assert.Contains("There is no container no-such-container", error.Message);
        Assert.False(error.IsTransient);
    }

    [Fact]
    public async Task Wrong_credentials_are_told_and_not_repeated()
    {
        string wrong = Convert.ToBase64String(new byte[64]);

        ObjectStoreException error = await FailureAsync(_place, Only("AZURE_STORAGE_KEY", wrong));

        Assert.Contains("403", error.Message + error.InnerException!.Message);
        Assert.Contains("redentials", error.Message);
        Assert.DoesNotContain(wrong, error.Message);
        Assert.False(error.IsTransient);
    }

    [Fact]
    public void Credentials_that_cannot_be_read_are_not_repeated()
    {
        var error = Assert.Throws<ObjectStoreException>(() => AzureBlobObjectStore.Open(_place, Only("AZURE_STORAGE_KEY", "not base64!")));

        Assert.Contains("AZURE_STORAGE_KEY", error.Message);
        Assert.DoesNotContain("not base64!", error.Message);
    }

    [Fact]
    public void Without_an_account_it_says_where_to_name_one()
    {
        var error = Assert.Throws<ObjectStoreException>(
            () => AzureBlobObjectStore.Open(new AzureBlobSettings { Container = "c" }, static _ => null));

        Assert.Contains("?account=", error.Message);
        Assert.Contains("AZURE_STORAGE_CONNECTION_STRING", error.Message);
    }

    [Fact]
    public async Task An_endpoint_that_nobody_listens_on_is_named_and_may_come_back()
    {
        var nobody = new Uri($"http://127.0.0.1:{FreePorts.Take()}/{AzureBlobServer.Account}");

        ObjectStoreException error = await FailureAsync(_place with { Endpoint = nobody }, AzureBlobServer.Environment);

        Assert.Contains("cannot be reached", error.Message);
        Assert.Contains(nobody.ToString(), error.Message);
        Assert.True(error.IsTransient);
    }

    private static Func<string, string?> Only(string name, string value) => asked => asked == name ? value : null;

    private static async Task<ObjectStoreException> FailureAsync(AzureBlobSettings settings, Func<string, string?> environment)
    {
        await using IObjectStore store = AzureBlobObjectStore.Open(settings, environment);
        return await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync("key", [new byte[10]], Cancellation));
    }
}

using Amazon.Runtime;
using Warp.Specs.Contracts;
using Warp.Specs.Hosting;
using Warp.Streams.Objects;
using Warp.Streams.Objects.S3;
using Xunit;

namespace Warp.Specs.Streams.Objects.S3;

/// <summary>The store against Ceph's S3 server.</summary>
public sealed class S3ObjectStoreSpec : ObjectStoreSpec
{
    private S3Settings _place = null!;

    protected override async Task<IObjectStore> OpenAsync()
    {
        _place = (await S3Server.SharedAsync()).NewPlace();
        return S3ObjectStore.Open(_place, S3Server.Credentials);
    }

    [Fact]
    public async Task The_description_tells_the_place_and_no_secrets()
    {
        string endpoint = _place.Endpoint!.ToString().TrimEnd('/');
        Assert.Equal($"s3://{S3Server.Bucket}/{_place.Prefix.TrimEnd('/')}?endpoint={endpoint}", Store.Description);
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => Store.GetAsync("key", Cancellation));
    }

    [Fact]
    public async Task A_missing_bucket_is_named()
    {
        ObjectStoreException error = await FailureAsync(_place with { Bucket = "no-such-bucket" }, S3Server.Credentials);

        Assert.Contains("There is no bucket no-such-bucket", error.Message);
        Assert.False(error.IsTransient);
    }

    [Theory]
    [InlineData(S3Server.AccessKey, "not-the-secret")]
    [InlineData("nobody", S3Server.SecretKey)]
    public async Task Wrong_credentials_are_told_apart_and_not_repeated(string accessKey, string secret)
    {
        ObjectStoreException error = await FailureAsync(_place, new BasicAWSCredentials(accessKey, secret));

        Assert.Contains("credentials are wrong", error.Message);
        Assert.Contains(Store.Description, error.Message);
        Assert.DoesNotContain(secret, error.Message);
        Assert.False(error.IsTransient);
    }

    [Fact]
    public async Task Without_permission_it_says_what_to_allow()
    {
        ObjectStoreException error = await FailureAsync(_place, new AnonymousAWSCredentials());

        Assert.Contains("Permission is denied", error.Message);
        Assert.Contains("s3:PutObject", error.Message);
        Assert.False(error.IsTransient);
    }

    [Fact]
    public async Task An_endpoint_that_nobody_listens_on_is_named_and_may_come_back()
    {
        var nobody = new Uri($"http://127.0.0.1:{FreePorts.Take()}");

        ObjectStoreException error = await FailureAsync(_place with { Endpoint = nobody }, S3Server.Credentials);

        Assert.Contains("cannot be reached", error.Message);
        Assert.Contains(nobody.ToString(), error.Message);
        Assert.True(error.IsTransient);
    }

    [Fact]
    public async Task A_server_without_conditional_puts_is_looked_at_first()
    {
        await using IObjectStore store = S3ObjectStore.Open(_place with { ConditionalPuts = false }, S3Server.Credentials);
        Assert.Equal(PutOutcome.Stored, await store.PutAsync("key", ["first"u8.ToArray()], Cancellation));

        Assert.Equal(PutOutcome.AlreadyExists, await store.PutAsync("key", ["second"u8.ToArray()], Cancellation));

        Assert.Equal("first"u8.ToArray(), await store.GetAsync("key", Cancellation));
    }

    [Fact]
    public async Task A_cancelled_upload_is_not_stored_and_leaves_the_connection_usable()
    {
        using var cancel = new CancellationTokenSource();
        Task<PutOutcome> put = Store.PutAsync("big", [new byte[32 << 20]], cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => put);

        Assert.Equal(PutOutcome.Stored, await PutAsync("small", "x"));
    }

    private static async Task<ObjectStoreException> FailureAsync(S3Settings settings, AWSCredentials credentials)
    {
        await using IObjectStore store = S3ObjectStore.Open(settings, credentials);
        return await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync("key", [new byte[10]], Cancellation));
    }
}

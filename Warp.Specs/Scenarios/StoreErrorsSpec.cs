using Amazon.S3;
using Amazon.S3.Model;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Objects.S3;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>
/// What an operator is told of a store that cannot be used: one line with the store, the object and what to do. A node that runs goes on.
/// </summary>
public sealed class StoreErrorsSpec(ITestOutputHelper output)
{
    private static readonly Dictionary<string, string> _rightCredentials = new()
    {
        ["AWS_ACCESS_KEY_ID"] = S3Server.AccessKey,
        ["AWS_SECRET_ACCESS_KEY"] = S3Server.SecretKey,
        ["AZURE_STORAGE_KEY"] = AzureBlobServer.Key,
    };

    [Theory]
    [InlineData("AWS_SECRET_ACCESS_KEY", "not-the-secret", "The credentials are wrong (SignatureDoesNotMatch). Check AWS_ACCESS_KEY_ID")]
    [InlineData("AWS_ACCESS_KEY_ID", "nobody", "The credentials are wrong (InvalidAccessKeyId). Check AWS_ACCESS_KEY_ID")]
    public async Task Wrong_credentials_of_S3_at_the_start(string variable, string value, string said) =>
        await AssertRefusedAsync((await S3Server.SharedAsync()).NewUrl(), "s3://" + S3Server.Bucket, said, variable, value);

    [Fact]
    public async Task A_wrong_key_of_Azure_at_the_start() => await AssertRefusedAsync(
        (await AzureBlobServer.SharedAsync()).NewUrl(),
        "azblob://" + AzureBlobServer.Container,
        "Check the credentials; ",
        "AZURE_STORAGE_KEY",
        Convert.ToBase64String(new byte[64]));

    [Fact]
    public async Task A_missing_container_of_Azure_at_the_start()
    {
        string url = (await AzureBlobServer.SharedAsync()).NewUrl().Replace(AzureBlobServer.Container, "nowhere", StringComparison.Ordinal);
        await AssertRefusedAsync(url, "azblob://nowhere", "There is no container nowhere. Create it");
    }

    [Fact]
    public async Task A_bucket_that_is_deleted_under_a_node()
    {
        var server = await S3Server.SharedAsync();
        using var s3 = server.Connect();
        string bucket = "gone-" + Guid.NewGuid().ToString("N")[..8];
        await s3.PutBucketAsync(bucket, TestContext.Current.CancellationToken);
        await using var node = await WarpProcess.StartAsync(_rightCredentials, $"warp.store.url=s3://{bucket}?endpoint={server.Endpoint}");

        string line = await StoreTrouble.AssertToldAndSurvivedAsync(
            node,
            () => DeleteAsync(s3, bucket),
            () => s3.PutBucketAsync(bucket),
            $"Object store s3://{bucket}",
            $"There is no bucket {bucket}. Create it");
        output.WriteLine(line);
    }

    [Fact]
    public async Task Credentials_that_are_withdrawn_under_a_node()
    {
        await using var server = new FakeS3Server();
        await using var node = await WarpProcess.StartAsync(
            _rightCredentials, $"warp.store.url=s3://bucket?endpoint={server.Endpoint}&conditional-put=true");

        string line = await StoreTrouble.AssertToldAndSurvivedAsync(
            node,
            () => Script((403, "InvalidAccessKeyId")),
            () => Script(null),
            "Object store s3://bucket",
            "The credentials are wrong (InvalidAccessKeyId). Check AWS_ACCESS_KEY_ID");
        output.WriteLine(line);

        Task Script((int, string)? answer)
        {
            server.Script = _ => answer;
            return Task.CompletedTask;
        }
    }

    private async Task AssertRefusedAsync(string url, string store, string said, string? variable = null, string value = "")
    {
        var environment = new Dictionary<string, string>(_rightCredentials);
        if (variable is not null)
            environment[variable] = value;
        DirectoryInfo folder = Directory.CreateTempSubdirectory("warp-specs-");
        var run = await WarpRun.NodeAsync(
            environment,
            $"warp.kafka.listen=127.0.0.1:{FreePorts.Take()}",
            $"warp.http.listen=127.0.0.1:{FreePorts.Take()}",
            $"warp.journal.url=sqlite:{Path.Combine(folder.FullName, "journal.db")}",
            $"warp.store.url={url}");
        folder.Delete(recursive: true);

        Assert.Equal(2, run.ExitCode);
        string line = Assert.Single(run.Errors);
        output.WriteLine(line);
        Assert.Contains("warp.store.url", line, StringComparison.Ordinal);
        Assert.Contains($"Object store {store}", line, StringComparison.Ordinal);
        Assert.Contains(said, line, StringComparison.Ordinal);
        Assert.All(environment, secret => Assert.DoesNotContain(secret.Value, line, StringComparison.Ordinal));
    }

    private static async Task DeleteAsync(AmazonS3Client s3, string bucket)
    {
        var listing = await s3.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket });
        await s3.DeleteObjectsAsync(
            new DeleteObjectsRequest { BucketName = bucket, Objects = [.. listing.S3Objects.Select(static item => new KeyVersion { Key = item.Key })] });
        await s3.DeleteBucketAsync(bucket);
    }
}

using Amazon.Runtime;
using Amazon.S3;
using Warp.Streams.Objects.S3;

namespace Warp.Specs.Hosting;

/// <summary>The S3 server of a test run, started when the first test asks for it.</summary>
public sealed class S3Server
{
    /// <summary>The bucket that is there.</summary>
    public const string Bucket = "warp-specs";

    /// <summary>The one user's name for <c>AWS_ACCESS_KEY_ID</c>.</summary>
    public const string AccessKey = "warp-test";

    /// <summary>The one user's secret, for <c>AWS_SECRET_ACCESS_KEY</c>.</summary>
    public const string SecretKey = "warp-test-secret";

    private static readonly Lazy<Task<S3Server>> _shared = new(StartAsync);
    private static int _prefixes;

    private readonly TestServer _server;

    private S3Server(TestServer server, Uri endpoint)
    {
        _server = server;
        Endpoint = endpoint;
    }

    public Uri Endpoint { get; }

    public static BasicAWSCredentials Credentials { get; } = new(AccessKey, SecretKey);

    /// <summary>The server that all tests share. It ends with this process.</summary>
    public static Task<S3Server> SharedAsync() => _shared.Value;

    /// <summary>Where nothing has been put yet.</summary>
    public S3Settings NewPlace() => new()
    {
        Bucket = Bucket,
        Prefix = $"run{Interlocked.Increment(ref _prefixes)}/",
        Endpoint = Endpoint,
        PathStyle = true,
    };

    /// <summary>The same as a URL.</summary>
    public string NewUrl() => $"s3://{Bucket}/run{Interlocked.Increment(ref _prefixes)}?endpoint={Endpoint}";

    /// <summary>A client of the server itself.</summary>
    public AmazonS3Client Connect() => new(
        Credentials,
        new AmazonS3Config { ServiceURL = Endpoint.ToString(), ForcePathStyle = true, AuthenticationRegion = "us-east-1" });

    private static async Task<S3Server> StartAsync()
    {
        int port = FreePorts.TakeRow(11);
        string folder = Directory.CreateTempSubdirectory("warp-s3-").FullName;
        var server = new S3Server(
            await TestServer.StartAsync("s3.sh", folder, $"{port}"), new Uri($"http://127.0.0.1:{port}"));
        using AmazonS3Client client = server.Connect();
        await client.PutBucketAsync(Bucket);
        return server;
    }
}

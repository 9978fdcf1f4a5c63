using Azure.Storage.Blobs;
using Warp.Streams.Objects.AzureBlobs;

namespace Warp.Specs.Hosting;

/// <summary>The Azure Blob service of a test run, started when the first test asks for it.</summary>
public sealed class AzureBlobServer
{
    /// <summary>The container that is there.</summary>
    public const string Container = "warp-specs";

    /// <summary>The account that the emulator and every SDK know.</summary>
    public const string Account = "devstoreaccount1";

    /// <summary>Its key, which is published.</summary>
    public const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private static readonly Lazy<Task<AzureBlobServer>> _shared = new(StartAsync);
    private static int _prefixes;

    private readonly TestServer _server;

    private AzureBlobServer(TestServer server, Uri endpoint)
    {
        _server = server;
        Endpoint = endpoint;
    }

    /// <summary>The blob service of the account.</summary>
    public Uri Endpoint { get; }

    /// <summary>For <c>AZURE_STORAGE_CONNECTION_STRING</c>.</summary>
    public string ConnectionString => $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint={Endpoint};";

    /// <summary>The service that all tests share. It ends with this process.</summary>
    public static Task<AzureBlobServer> SharedAsync() => _shared.Value;

    /// <summary>Where nothing has been put yet.</summary>
    public AzureBlobSettings NewPlace() => new()
    {
        Container = Container,
        Prefix = $"run{Interlocked.Increment(ref _prefixes)}/",
        Endpoint = Endpoint,
    };

    /// <summary>The same as a URL.</summary>
    public string NewUrl() => $"azblob://{Container}/run{Interlocked.Increment(ref _prefixes)}?endpoint={Endpoint}";

    /// <summary>The environment in which the key is known.</summary>
    public static string? Environment(string name) => name == "AZURE_STORAGE_KEY" ? Key : null;

    private static async Task<AzureBlobServer> StartAsync()
    {
        int port = FreePorts.Take();
        var server = new AzureBlobServer(
            await TestServer.StartAsync("azurite.sh", $"{port}"), new Uri($"http://127.0.0.1:{port}/{Account}"));
        await new BlobContainerClient(server.ConnectionString, Container).CreateAsync();
        return server;
    }
}

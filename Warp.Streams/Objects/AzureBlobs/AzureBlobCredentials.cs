using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Azure.Storage;
using Azure.Storage.Blobs;

namespace Warp.Streams.Objects.AzureBlobs;

/// <summary>
/// Signs in to Azure Blob Storage with what the environment has: <c>AZURE_STORAGE_CONNECTION_STRING</c>; or for the account or endpoint of
/// the URL <c>AZURE_STORAGE_KEY</c>, or <c>AZURE_STORAGE_SAS_TOKEN</c>, or else an identity (environment, workload or managed identity).
/// </summary>
internal static class AzureBlobCredentials
{
    public const string ConnectionStringVariable = "AZURE_STORAGE_CONNECTION_STRING";
    public const string KeyVariable = "AZURE_STORAGE_KEY";
    public const string SasVariable = "AZURE_STORAGE_SAS_TOKEN";

    /// <exception cref="ObjectStoreException">Something is missing, or cannot be read.</exception>
    public static BlobContainerClient Connect(AzureBlobSettings settings, Func<string, string?> environment)
    {
        BlobClientOptions options = Options();
        try
        {
            if (Place(settings) is not { } service)
            {
                string connection = environment(ConnectionStringVariable) is { Length: > 0 } text ? text : throw Missing(settings);
                return new BlobContainerClient(connection, settings.Container, options);
            }
            var container = new Uri($"{service.ToString().TrimEnd('/')}/{settings.Container}");
            if (environment(KeyVariable) is { Length: > 0 } key)
                return new BlobContainerClient(container, new StorageSharedKeyCredential(AccountOf(settings, service), key), options);
            if (environment(SasVariable) is { Length: > 0 } sas)
                return new BlobContainerClient(container, new AzureSasCredential(sas.TrimStart('?')), options);
            TokenCredential identity = new ChainedTokenCredential(
                new EnvironmentCredential(), new WorkloadIdentityCredential(), new ManagedIdentityCredential());
            return new BlobContainerClient(container, identity, options);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            // The message of the cause might repeat the secret.
            throw new ObjectStoreException(
                settings.ToString(),
                null,
                $"The credentials cannot be read. Check {ConnectionStringVariable}, {KeyVariable} and {SasVariable}: each is taken as Azure's "
                + "portal shows it.",
                isTransient: false);
        }
    }

    private static Uri? Place(AzureBlobSettings settings) =>
        settings.Endpoint ?? (settings.Account is null ? null : new Uri($"https://{settings.Account}.blob.core.windows.net"));

    /// <summary>The account's name stands in the host (Azure), or first in the path (emulators).</summary>
    private static string AccountOf(AzureBlobSettings settings, Uri service)
    {
        string path = service.AbsolutePath.Trim('/');
        return settings.Account ?? (path.Length > 0 ? path : service.Host.Split('.')[0]);
    }

    private static BlobClientOptions Options()
    {
        var options = new BlobClientOptions(BlobClientOptions.ServiceVersion.V2023_01_03)
        {
            Transport = new HttpClientTransport(new HttpClient(new SocketsHttpHandler()) { Timeout = Timeout.InfiniteTimeSpan }),
        };
        // What wraps the store tries again, and ends attempts that take too long.
        options.Retry.MaxRetries = 0;
        options.Retry.NetworkTimeout = Timeout.InfiniteTimeSpan;
        options.Diagnostics.IsLoggingEnabled = false;
        options.Diagnostics.IsTelemetryEnabled = false;
        options.Diagnostics.IsDistributedTracingEnabled = false;
        return options;
    }

    private static ObjectStoreException Missing(AzureBlobSettings settings) => new(
        settings.ToString(),
        null,
        $"There is no account. Name it in the URL (?account=…), or set {ConnectionStringVariable}.",
        isTransient: false);
}

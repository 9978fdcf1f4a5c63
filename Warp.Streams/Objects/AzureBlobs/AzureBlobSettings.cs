namespace Warp.Streams.Objects.AzureBlobs;

/// <summary>
/// Where a store in Azure Blob Storage is, and how one signs in. Secrets come from the environment and are never part of a URL or a
/// message.
/// </summary>
public sealed record AzureBlobSettings
{
    /// <summary>The container's name.</summary>
    public required string Container { get; init; }

    /// <summary>Before every key; empty, or ends with a slash.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The storage account; null if <see cref="Endpoint"/> or a connection string says it.</summary>
    public string? Account { get; init; }

    /// <summary>The blob service; null for the account's own at Azure.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The URL, without what can be left out.</summary>
    public override string ToString()
    {
        string place = $"azblob://{Container}/{Prefix}".TrimEnd('/');
        return Endpoint is not null ? $"{place}?endpoint={Endpoint.GetLeftPart(UriPartial.Path).TrimEnd('/')}"
            : Account is not null ? $"{place}?account={Account}" : place;
    }
}

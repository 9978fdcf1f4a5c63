namespace Warp.Streams.Objects.S3;

/// <summary>Where a store in S3, or in what speaks its protocol, is. Credentials are not part of it: they come from the SDK's
/// chain.</summary>
public sealed record S3Settings
{
    /// <summary>The bucket's name.</summary>
    public required string Bucket { get; init; }

    /// <summary>Before every key; empty, or ends with a slash.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The region, such as <c>eu-central-1</c>; null for the one of the environment (<c>AWS_REGION</c>).</summary>
    public string? Region { get; init; }

    /// <summary>The server; null for AWS itself.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Whether the bucket is named in the path, not in the host. Most servers that are not AWS want it so.</summary>
    public bool PathStyle { get; init; }

    /// <summary>Whether the server refuses a put over an object that is there (<c>If-None-Match: *</c>); null to find out by
    /// trying.</summary>
    public bool? ConditionalPuts { get; init; }

    /// <summary>Whether it is a directory bucket (S3 Express One Zone), which lists in no order.</summary>
    public bool IsDirectoryBucket => Bucket.EndsWith("--x-s3", StringComparison.Ordinal);

    /// <summary>The URL, without what can be left out.</summary>
    public override string ToString() =>
        $"s3://{Bucket}/{Prefix}".TrimEnd('/') + (Endpoint is null ? "" : $"?endpoint={Endpoint.GetLeftPart(UriPartial.Authority)}");
}

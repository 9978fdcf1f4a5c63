using Warp.Streams.Objects.AzureBlobs;
using Warp.Streams.Objects.Faults;
using Warp.Streams.Objects.S3;

namespace Warp.Streams.Objects;

/// <summary>Where a store is, read from a URL. It holds no secrets, and nothing is opened.</summary>
public abstract record StoreUrl
{
    private StoreUrl()
    {
    }

    /// <summary>The forms of URLs, for messages.</summary>
    public const string Forms =
        "file:PATH, mem:, s3://BUCKET/PREFIX?region=…, azblob://CONTAINER/PREFIX?account=… or quorum:URL|URL|URL";

    /// <summary><c>mem:</c></summary>
    public sealed record Memory : StoreUrl
    {
        public override string ToString() => "mem:";
    }

    /// <summary><c>file:PATH</c></summary>
    public sealed record Folder(string Path) : StoreUrl
    {
        public override string ToString() => "file:" + Path;
    }

    /// <summary><c>s3://BUCKET/PREFIX?region=…&amp;endpoint=…&amp;path-style=…&amp;conditional-put=…</c></summary>
    public sealed record S3(S3Settings Settings) : StoreUrl
    {
        public override string ToString() => Settings.ToString();
    }

    /// <summary><c>azblob://CONTAINER/PREFIX?account=…&amp;endpoint=…</c></summary>
    public sealed record AzureBlob(AzureBlobSettings Settings) : StoreUrl
    {
        public override string ToString() => Settings.ToString();
    }

    /// <summary><c>quorum:URL|URL|URL</c></summary>
    public sealed record Quorum(IReadOnlyList<StoreUrl> Stores) : StoreUrl
    {
        public override string ToString() => "quorum:" + string.Join('|', Stores);
    }

    /// <summary><c>fault:PLAN:URL</c></summary>
    public sealed record Fault(FaultPlan Plan, StoreUrl Inner) : StoreUrl
    {
        public override string ToString() => $"fault:{Plan}:{Inner}";
    }

    /// <summary>Reads a URL.</summary>
    /// <exception cref="ArgumentException">It is none of a store; the message says what is wrong.</exception>
    public static StoreUrl Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int colon = text.IndexOf(':');
        string scheme = colon < 0 ? "" : text[..colon].ToLowerInvariant();
        string rest = text[(colon + 1)..];
        return (scheme, rest) switch
        {
            ("mem", "") => new Memory(),
            ("file", not "") => ParseFolder(rest),
            ("s3", _) => ParseS3(new UrlParts(rest)),
            ("azblob", _) => ParseAzureBlob(new UrlParts(rest)),
            ("quorum", _) => ParseQuorum(rest),
            ("fault", _) => ParseFault(rest),
            _ => throw new ArgumentException($"'{text}' is not the URL of an object store. Known are {Forms}."),
        };
    }

    private static Folder ParseFolder(string path)
    {
        // Two slashes introduce a host; only the empty one makes sense for a path.
        if (path.StartsWith("//", StringComparison.Ordinal))
            path = path[2..].StartsWith('/') ? path[2..] : "";
        return path.Length > 0 ? new Folder(path) : throw new ArgumentException("The path of file: is PATH or ///PATH.");
    }

    private static S3 ParseS3(UrlParts parts)
    {
        var settings = new S3Settings
        {
            Bucket = parts.Host,
            Prefix = parts.Prefix,
            Region = parts.Take("region"),
            Endpoint = parts.TakeUri("endpoint"),
            ConditionalPuts = parts.TakeBoolean("conditional-put"),
        };
        settings = settings with { PathStyle = parts.TakeBoolean("path-style") ?? settings.Endpoint is not null };
        parts.Complete();
        return new S3(settings);
    }

    private static AzureBlob ParseAzureBlob(UrlParts parts)
    {
        var settings = new AzureBlobSettings
        {
            Container = parts.Host,
            Prefix = parts.Prefix,
            Account = parts.Take("account"),
            Endpoint = parts.TakeUri("endpoint"),
        };
        parts.Complete();
        return new AzureBlob(settings);
    }

    private static Quorum ParseQuorum(string text)
    {
        string[] urls = text.Split('|');
        return urls.Length >= 3 && urls.Length % 2 == 1
            ? new Quorum([.. urls.Select(Parse)])
            : throw new ArgumentException("quorum: takes an odd number of URLs, three or more, with | between them.");
    }

    private static Fault ParseFault(string text)
    {
        int colon = text.IndexOf(':');
        return colon >= 0
            ? new Fault(FaultPlan.Parse(text[..colon]), Parse(text[(colon + 1)..]))
            : throw new ArgumentException("fault: takes a plan and the URL of a store (fault:seed=1&errors=0.1:mem:).");
    }
}

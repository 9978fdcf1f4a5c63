using System.Net;
using Amazon.Runtime;

namespace Warp.Streams.Objects.S3;

/// <summary>Says what to do about an error of S3 or of the way to it.</summary>
internal sealed class S3Errors(string store, S3Settings settings)
{
    private static readonly HashSet<string> s_wrongCredentials =
        ["InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidSecurity", "AuthFailure", "Unauthorized"];

    private static readonly HashSet<string> s_wrongRegion =
    [
        "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "IncorrectEndpoint",
    ];

    private static readonly HashSet<string> s_full =
        ["QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "InsufficientCapacity", "EntityTooLarge"];

    private static readonly HashSet<string> s_comeAgain =
    [
        "SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict",
        "TooManyRequests", "Throttling", "ThrottlingException", "RequestLimitExceeded", "ExpiredToken", "503 SlowDown",
    ];

    public ObjectStoreException Explain(string? key, Exception cause) => cause switch
    {
        AmazonServiceException { StatusCode: not 0 } e => ExplainAnswer(key, e),
        AmazonClientException or AmazonServiceException when IsAboutCredentials(cause) => Make(
            key,
            "There are no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or another source that the AWS SDK knows (a profile, "
            + "a web identity token, a container's or an instance's role).",
            false,
            cause),
        AmazonClientException e when e.Message.Contains("RegionEndpoint", StringComparison.Ordinal) => Make(
            key, "There is no region. Name it in the URL (?region=eu-central-1) or set AWS_REGION.", false, cause),
        // The rest is the network: no answer, or half of one.
        _ => Make(
            key,
            $"It cannot be reached ({Innermost(cause)}). Check that {settings.Endpoint?.ToString() ?? "AWS"} is the right endpoint, that it runs, "
            + "and the network on the way.",
            true,
            cause),
    };

    public static bool IsMissing(AmazonServiceException e) =>
        e.StatusCode == HttpStatusCode.NotFound && e.ErrorCode is not ("NoSuchBucket" or "NoSuchUpload");

    private ObjectStoreException ExplainAnswer(string? key, AmazonServiceException e)
    {
        string code = e.ErrorCode ?? "";
        if (code == "NoSuchBucket")
            return Make(key, $"There is no bucket {settings.Bucket}. Create it, or correct its name in the URL.", false, e);
        if (s_wrongCredentials.Contains(code))
        {
            return Make(
                key,
                $"The credentials are wrong ({code}). Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or where else they come from.",
                false,
                e);
        }
        if (code == "RequestTimeTooSkewed")
            return Make(key, "The clocks of this machine and of the server are too far apart. Set this machine's clock (NTP).", false, e);
        if (s_wrongRegion.Contains(code) || e.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.TemporaryRedirect)
        {
            string region = settings.Region ?? "(not set)";
            return Make(key, $"The region {region} is not the bucket's. {Sentence(e)} Name the right one in the URL (?region=…).", false, e);
        }
        if (s_full.Contains(code) || e.StatusCode == HttpStatusCode.InsufficientStorage)
            return Make(key, $"The store or a quota is full ({code}): add space, raise the quota or shorten the retention.", false, e);
        if (s_comeAgain.Contains(code) || (int)e.StatusCode is 408 or 429 or >= 500 and not 501)
            return Make(key, $"{Sentence(e)} It may be overloaded; if this goes on, ask who runs it.", true, e);
        if (e.StatusCode == HttpStatusCode.Forbidden)
        {
            return Make(
                key,
                $"Permission is denied ({(code.Length == 0 ? "403" : code)}). Allow s3:GetObject, s3:PutObject, s3:DeleteObject, "
                + $"s3:AbortMultipartUpload, s3:ListBucket and s3:ListBucketMultipartUploads on bucket {settings.Bucket}, or check the credentials.",
                false,
                e);
        }
        return Make(key, $"{Sentence(e)} Check the URL of the store, and what this server supports.", false, e);
    }

    private ObjectStoreException Make(string? key, string message, bool isTransient, Exception cause) =>
        new(store, key, message, isTransient, cause);

    private static bool IsAboutCredentials(Exception e) =>
        e.Message.Contains("credentials", StringComparison.OrdinalIgnoreCase) || e.Message.Contains("IAM", StringComparison.Ordinal);

    private static string Sentence(AmazonServiceException e) => $"It answers {(int)e.StatusCode} {e.ErrorCode}: {e.Message.TrimEnd('.', ' ')}.";

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner)
            e = inner;
        return e.Message.TrimEnd('.', ' ');
    }
}

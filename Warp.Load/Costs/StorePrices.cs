namespace Warp.Load.Costs;

/// <summary>
/// List prices of an object store, in US dollars: what requests, and bytes that move, cost. Storage and traffic out of the region are not
/// in it, as they are the same whatever a broker does.
/// </summary>
/// <param name="Name">The store's.</param>
/// <param name="PutDollars">One PUT; also LIST, and each request of a multipart upload.</param>
/// <param name="GetDollars">One GET; also HEAD.</param>
/// <param name="UploadDollarsPerGigabyte">What a gigabyte that is put costs on top of its requests.</param>
/// <param name="RetrievalDollarsPerGigabyte">What a gigabyte that is read costs on top of its requests.</param>
public sealed record StorePrices(
    string Name, double PutDollars, double GetDollars, double UploadDollarsPerGigabyte = 0, double RetrievalDollarsPerGigabyte = 0)
{
    /// <summary>The ones that reports show.</summary>
    public static IReadOnlyList<StorePrices> All { get; } =
    [
        // aws.amazon.com/s3/pricing, S3 Standard in US East (N. Virginia), as known on 2026-11-30: PUT, COPY, POST, LIST $0.005 and GET,
        // SELECT $0.0004 a thousand; no charge for bytes within the region.
        new("S3 Standard", 0.005 / 1000, 0.0004 / 1000),

        // aws.amazon.com/s3/faqs, S3 Express One Zone in US East (N. Virginia), as known on 2026-11-30: PUT $0.00113 and GET $0.00003 a
        // thousand, upload $0.0032 and retrieval $0.0006 a GB.
        new("S3 Express One Zone", 0.00113 / 1000, 0.00003 / 1000, 0.0032, 0.0006),

        // developers.cloudflare.com/r2/pricing, standard storage, as known on 2026-11-30: class A $4.50 and class B $0.36 a million.
        new("Cloudflare R2", 4.50 / 1_000_000, 0.36 / 1_000_000),
    ];
}

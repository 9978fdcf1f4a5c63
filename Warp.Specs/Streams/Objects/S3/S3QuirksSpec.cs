using Warp.Specs.Hosting;
using Warp.Streams.Objects;
using Warp.Streams.Objects.S3;
using Xunit;

namespace Warp.Specs.Streams.Objects.S3;

/// <summary>The store against servers that do less than S3, or fail.</summary>
public sealed class S3QuirksSpec : IAsyncDisposable
{
    private readonly FakeS3Server _server = new();
    private readonly S3ObjectStore _store;

    public S3QuirksSpec() => _store = S3ObjectStore.Open(
        new S3Settings { Bucket = "bucket", Endpoint = _server.Endpoint, PathStyle = true, Region = "here" }, S3Server.Credentials);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_that_ignores_or_refuses_conditions_is_found_out_by_the_first_put_and_asked_first_from_then_on(bool refuses)
    {
        _server.Script = request => refuses && request.Headers["If-None-Match"] is not null ? (501, "NotImplemented") : null;

        Assert.Equal(PutOutcome.Stored, await _store.PutAsync("key", ["first"u8.ToArray()], Cancellation));
        Assert.Equal(PutOutcome.AlreadyExists, await _store.PutAsync("key", ["second"u8.ToArray()], Cancellation));

        Assert.Equal("first"u8.ToArray(), await _store.GetAsync("key", Cancellation));
        string[] others = [.. _server.Requests.Where(static request => !request.Contains("warp/probe/"))];
        Assert.Equal(["HEAD /bucket/key", "PUT /bucket/key", "HEAD /bucket/key", "GET /bucket/key"], others);
        Assert.Equal(refuses ? 1 : 3, _server.Requests.Count - others.Length);
    }

    [Fact]
    public async Task A_server_that_knows_conditions_is_not_asked_first()
    {
        _server.Script = request =>
            request.Headers["If-None-Match"] is not null && _server.Requests.SkipLast(1).Contains(_server.Requests[^1])
                ? (412, "PreconditionFailed")
                : null;

        Assert.Equal(PutOutcome.Stored, await _store.PutAsync("key", ["first"u8.ToArray()], Cancellation));
        Assert.Equal(PutOutcome.AlreadyExists, await _store.PutAsync("key", ["second"u8.ToArray()], Cancellation));

        Assert.DoesNotContain(_server.Requests, static request => request.StartsWith("HEAD", StringComparison.Ordinal));
        Assert.Equal("first"u8.ToArray(), await _store.GetAsync("key", Cancellation));
    }

    [Theory]
    [InlineData(503, "SlowDown", true, "overloaded")]
    [InlineData(500, "InternalError", true, "overloaded")]
    [InlineData(429, "TooManyRequests", true, "overloaded")]
    [InlineData(409, "ConditionalRequestConflict", true, "overloaded")]
    [InlineData(301, "PermanentRedirect", false, "?region=")]
    [InlineData(400, "AuthorizationHeaderMalformed", false, "?region=")]
    [InlineData(403, "AccessDenied", false, "s3:PutObject")]
    [InlineData(403, "SignatureDoesNotMatch", false, "AWS_SECRET_ACCESS_KEY")]
    [InlineData(403, "RequestTimeTooSkewed", false, "clock")]
    [InlineData(403, "QuotaExceeded", false, "full")]
    [InlineData(507, "XMinioStorageFull", false, "full")]
    [InlineData(404, "NoSuchBucket", false, "no bucket bucket")]
    [InlineData(400, "SomethingElse", false, "SomethingElse")]
    public async Task An_error_says_what_to_do_and_whether_it_may_pass(int status, string code, bool isTransient, string said)
    {
        _server.Script = _ => (status, code);

        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => _store.PutAsync("some/key", [new byte[3]], Cancellation));

        Assert.Equal(isTransient, error.IsTransient);
        Assert.Contains(said, error.Message);
        Assert.Contains("some/key", error.Message);
        Assert.Contains("s3://bucket", error.Message);
        Assert.Equal("some/key", error.Key);
    }

    [Fact]
    public async Task One_attempt_is_one_request()
    {
        _server.Script = static _ => (503, "SlowDown");

        await Assert.ThrowsAsync<ObjectStoreException>(() => _store.GetAsync("key", Cancellation));

        Assert.Single(_server.Requests);
    }
}

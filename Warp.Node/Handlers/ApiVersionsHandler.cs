using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// ApiVersions, versions 0 to 4. Lists the handlers it is given, and itself. No feature is listed: the only one that clients look at is
/// <c>transaction.version</c>, and not to find it means the first version of transactions. Features that start at 0 must not be
/// listed below version 4 in any case (KAFKA-17011).
/// </summary>
internal sealed class ApiVersionsHandler : ApiHandler<ApiVersionsRequest>
{
    private const short FirstVersionWithSoftware = 3;

    private readonly List<ApiVersionsResponse.ApiVersion> _ranges;

    public ApiVersionsHandler(IEnumerable<ApiHandler> others)
        : base(ApiKey.ApiVersions, 0, 4)
    {
        _ranges = [.. others.Append(this).OrderBy(static handler => handler.Key).Select(RangeOf)];
        AnswerToUnknownVersion = new ApiVersionsResponse { ErrorCode = ErrorCode.UnsupportedVersion, ApiKeys = [RangeOf(this)] };
    }

    /// <summary>Tells a client that asked in a version of the future which versions it can ask in.</summary>
    public ApiVersionsResponse AnswerToUnknownVersion { get; }

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, ApiVersionsRequest request)
    {
        var response = new ApiVersionsResponse();
        bool isNamed = IsSoftware(request.ClientSoftwareName) && IsSoftware(request.ClientSoftwareVersion);
        if (context.Version >= FirstVersionWithSoftware && !isNamed)
        {
            response.ErrorCode = ErrorCode.InvalidRequest;
        }
        else
        {
            response.ApiKeys = _ranges;
            // Features are only believed with an epoch; that there are none never changes.
            response.FinalizedFeaturesEpoch = 0;
        }
        return ValueTask.FromResult<IResponse?>(response);
    }

    private static ApiVersionsResponse.ApiVersion RangeOf(ApiHandler handler) =>
        new() { ApiKey = (short)handler.Key, MinVersion = handler.MinVersion, MaxVersion = handler.MaxVersion };

    /// <summary>Letters and digits, with dots and dashes between them (KIP-511).</summary>
    private static bool IsSoftware(string text) =>
        text.Length > 0 && char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1])
        && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-');
}

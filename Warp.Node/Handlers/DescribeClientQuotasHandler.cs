using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>DescribeClientQuotas (KIP-546), versions 0 and 1. Without components it describes all quotas (or, strictly, none).</summary>
public sealed class DescribeClientQuotasHandler(CatalogClient catalog)
    : ApiHandler<DescribeClientQuotasRequest>(ApiKey.DescribeClientQuotas, 0, 1)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeClientQuotasRequest request)
    {
        var response = new DescribeClientQuotasResponse { ErrorMessage = null, Entries = null };
        if (TryReadFilter(request, out QuotaFilter filter) is { } refusal)
        {
            response.ErrorCode = refusal.Error;
            response.ErrorMessage = refusal.Message;
            return ValueTask.FromResult<IResponse?>(response);
        }
        response.Entries = [.. catalog.Image.Quotas.All
            .Where(quotas => filter.Matches(quotas.Key))
            .OrderBy(static quotas => quotas.Key.ToString(), StringComparer.Ordinal)
            .Select(static quotas => Describe(quotas.Key, quotas.Value))];
        return ValueTask.FromResult<IResponse?>(response);
    }

    private static DescribeClientQuotasResponse.EntryData Describe(
        QuotaEntity entity, IEnumerable<KeyValuePair<string, double>> quotas) => new()
    {
        Entity = [.. entity.Parts.Select(static part => new DescribeClientQuotasResponse.EntityData
        {
            EntityType = part.Key,
            EntityName = part.Value,
        })],
        Values = [.. quotas.Select(static quota => new DescribeClientQuotasResponse.ValueData { Key = quota.Key, Value = quota.Value })],
    };

    private static TopicResult? TryReadFilter(DescribeClientQuotasRequest request, out QuotaFilter filter)
    {
        var parts = new Dictionary<string, (QuotaMatch, string?)>(StringComparer.Ordinal);
        filter = new QuotaFilter(parts, request.Strict);
        foreach (DescribeClientQuotasRequest.ComponentData component in request.Components)
        {
            string type = component.EntityType;
            var match = (QuotaMatch)component.MatchType;
            if (type is not (QuotaEntity.UserType or QuotaEntity.ClientIdType or QuotaEntity.IpType))
            {
                return type.Length == 0
                    ? Invalid("A component of the filter names no entity type.")
                    : new TopicResult(ErrorCode.UnsupportedVersion, $"There are no quotas of the entity type '{type}'.");
            }
            if (!Enum.IsDefined(match))
                return Invalid($"{component.MatchType} is no way to match a {type}.");
            if (match == QuotaMatch.Exact != component.Match is not null)
                return Invalid($"To match a {type} exactly takes a name, and to match otherwise takes none.");
            if (!parts.TryAdd(type, (match, component.Match)))
                return Invalid($"The filter has two components for the {type}.");
        }
        return parts.ContainsKey(QuotaEntity.IpType) && parts.Count > 1
            ? Invalid("A quota of an IP address has neither user nor client id.")
            : null;
    }

    private static TopicResult Invalid(string message) => new(ErrorCode.InvalidRequest, message);
}

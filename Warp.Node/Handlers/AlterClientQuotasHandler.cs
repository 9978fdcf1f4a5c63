using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// AlterClientQuotas (KIP-546), versions 0 and 1. Each entity is changed whole or not at all. Byte rates and the request percentage are
/// enforced; the rates of controller mutations and of new connections are kept, and described, and that is all.
/// </summary>
public sealed class AlterClientQuotasHandler(CatalogClient catalog)
    : ApiHandler<AlterClientQuotasRequest>(ApiKey.AlterClientQuotas, 0, 1)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, AlterClientQuotasRequest request)
    {
        IReadOnlyList<TopicResult> results = await catalog.AlterClientQuotasAsync(
            [.. request.Entries.Select(AlterationOf)], request.ValidateOnly, ActorQuestions.LongestWait, context.ConnectionClosed);
        var response = new AlterClientQuotasResponse();
        foreach ((AlterClientQuotasRequest.EntryData entry, TopicResult result) in request.Entries.Zip(results))
        {
            response.Entries.Add(new AlterClientQuotasResponse.EntryData
            {
                ErrorCode = result.Error,
                ErrorMessage = result.Message,
                Entity = [.. entry.Entity.Select(static part => new AlterClientQuotasResponse.EntityData
                {
                    EntityType = part.EntityType,
                    EntityName = part.EntityName,
                })],
            });
        }
        return response;
    }

    private static QuotaAlteration AlterationOf(AlterClientQuotasRequest.EntryData entry) => new(
        [.. entry.Entity.Select(static part => KeyValuePair.Create(part.EntityType, part.EntityName))],
        [.. entry.Ops.Select(static op => KeyValuePair.Create(op.Key, op.Remove ? (double?)null : op.Value))]);
}

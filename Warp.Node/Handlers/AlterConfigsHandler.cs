using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// AlterConfigs, versions 0 to 2: what is not named goes back to its default. Each resource is changed whole or not at all.
/// </summary>
public sealed class AlterConfigsHandler(CatalogClient catalog, ClusterView cluster)
    : ApiHandler<AlterConfigsRequest>(ApiKey.AlterConfigs, 0, 2)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, AlterConfigsRequest request)
    {
        var repeated = ConfigResource.Repeated(request.Resources.Select(static resource => (resource.ResourceType, resource.ResourceName)));
        var alterations = new ConfigAlterations(catalog, cluster, repeated, request.ValidateOnly, context.ConnectionClosed);
        var response = new AlterConfigsResponse();
        response.Responses.AddRange(await Task.WhenAll(request.Resources.Select(async resource =>
        {
            IEnumerable<KeyValuePair<string, string?>> configs =
                resource.Configs.Select(static config => KeyValuePair.Create(config.Name, config.Value));
            TopicResult result = await alterations.AlterAsync(
                resource.ResourceType, resource.ResourceName, ConfigRevision.Replace(configs));
            return new AlterConfigsResponse.AlterConfigsResourceResponse
            {
                ResourceType = resource.ResourceType,
                ResourceName = resource.ResourceName,
                ErrorCode = result.Error,
                ErrorMessage = result.Message,
            };
        })));
        return response;
    }
}

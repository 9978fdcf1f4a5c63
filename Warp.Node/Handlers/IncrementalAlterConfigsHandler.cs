using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>IncrementalAlterConfigs (KIP-339), versions 0 and 1. Each resource is changed whole or not at all.</summary>
public sealed class IncrementalAlterConfigsHandler(CatalogClient catalog, ClusterView cluster)
    : ApiHandler<IncrementalAlterConfigsRequest>(ApiKey.IncrementalAlterConfigs, 0, 1)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, IncrementalAlterConfigsRequest request)
    {
        var repeated = ConfigResource.Repeated(request.Resources.Select(static resource => (resource.ResourceType, resource.ResourceName)));
        var alterations = new ConfigAlterations(catalog, cluster, repeated, request.ValidateOnly, context.ConnectionClosed);
        var response = new IncrementalAlterConfigsResponse();
        response.Responses.AddRange(await Task.WhenAll(request.Resources.Select(async resource =>
        {
            List<ConfigAlteration> configs = [.. resource.Configs.Select(static config =>
                new ConfigAlteration(config.Name, (ConfigOperation)config.ConfigOperation, config.Value))];
            TopicResult result = await alterations.AlterAsync(
                resource.ResourceType, resource.ResourceName, ConfigRevision.Alter(configs));
            return new IncrementalAlterConfigsResponse.AlterConfigsResourceResponse
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

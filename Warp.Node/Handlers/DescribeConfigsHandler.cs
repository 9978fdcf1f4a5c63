using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// DescribeConfigs, versions 0 to 4, for topics and for this broker. Names that are no configs are left out of the answer, and so is a
/// resource that is named again: a few bytes of the request would make kilobytes each time.
/// </summary>
public sealed class DescribeConfigsHandler(CatalogClient catalog, ClusterView cluster)
    : ApiHandler<DescribeConfigsRequest>(ApiKey.DescribeConfigs, 0, 4)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeConfigsRequest request)
    {
        CatalogImage image = catalog.Image;
        var response = new DescribeConfigsResponse();
        foreach (DescribeConfigsRequest.DescribeConfigsResource wanted in request.Resources.DistinctBy(static r => (r.ResourceType, r.ResourceName)))
        {
            var answer = new DescribeConfigsResponse.DescribeConfigsResult
            {
                ResourceType = wanted.ResourceType,
                ResourceName = wanted.ResourceName,
            };
            response.Results.Add(answer);
            if (ConfigResource.TryRead(wanted.ResourceType, wanted.ResourceName, cluster, out ConfigResource resource) is { } refusal)
            {
                answer.ErrorCode = refusal.Error;
                answer.ErrorMessage = refusal.Message;
            }
            else if (Describe(image, resource, wanted.ConfigurationKeys) is { } configs)
            {
                answer.Configs.AddRange(configs.Select(config => ResultOf(config, request)));
            }
            else
            {
                answer.ErrorCode = ErrorCode.UnknownTopicOrPartition;
                answer.ErrorMessage = $"There is no topic '{wanted.ResourceName}'.";
            }
        }
        return ValueTask.FromResult<IResponse?>(response);
    }

    /// <summary>Null when there is no such topic.</summary>
    private static IReadOnlyList<ConfigEntry>? Describe(CatalogImage image, ConfigResource resource, List<string>? names)
    {
        BrokerConfigValues broker = image.BrokerConfigsOf(resource.NodeId);
        if (resource.Topic is not null)
            return image.Find(resource.Topic) is { } topic ? TopicConfigs.Describe(topic.Overrides, broker, names) : null;
        return resource.NodeId == CatalogImage.AllNodes
            ? BrokerConfigs.DescribeDefaults(broker, names)
            : BrokerConfigs.Describe(broker, names);
    }

    private static DescribeConfigsResponse.DescribeConfigsResourceResult ResultOf(ConfigEntry config, DescribeConfigsRequest request)
    {
        var result = new DescribeConfigsResponse.DescribeConfigsResourceResult
        {
            Name = config.Name,
            Value = config.Value,
            ReadOnly = config.IsReadOnly,
            IsDefault = config.IsDefault,
            ConfigSource = (sbyte)config.Source,
            IsSensitive = config.IsSensitive,
            ConfigType = (sbyte)config.Type,
            Documentation = request.IncludeDocumentation ? config.Documentation : null,
        };
        if (request.IncludeSynonyms)
        {
            result.Synonyms.AddRange(config.Synonyms.Select(static synonym => new DescribeConfigsResponse.DescribeConfigsSynonym
            {
                Name = synonym.Name,
                Value = synonym.Value,
                Source = (sbyte)synonym.Source,
            }));
        }
        return result;
    }
}

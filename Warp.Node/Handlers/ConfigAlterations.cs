using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>What AlterConfigs and IncrementalAlterConfigs have in common: which resource is meant, and how the catalog is asked.</summary>
internal sealed class ConfigAlterations(
    CatalogClient catalog,
    ClusterView cluster,
    HashSet<(sbyte Type, string Name)> repeated,
    bool validateOnly,
    CancellationToken cancellationToken)
{
    /// <summary>Alters one resource.</summary>
    /// <param name="type">As on the wire.</param>
    /// <param name="name">As on the wire.</param>
    /// <param name="revision">What becomes of its configs.</param>
    public async Task<TopicResult> AlterAsync(sbyte type, string name, ConfigRevision revision)
    {
        if (repeated.Contains((type, name)))
            return new TopicResult(ErrorCode.InvalidRequest, $"The resource '{name}' appears more than once in the request.");
        if (ConfigResource.TryRead(type, name, cluster, out ConfigResource resource) is { } refusal)
            return refusal;
        TimeSpan wait = ActorQuestions.LongestWait;
        return resource.Topic is { } topic
            ? await catalog.AlterTopicConfigsAsync(topic, revision, validateOnly, wait, cancellationToken)
            : await catalog.AlterBrokerConfigsAsync(resource.NodeId, revision, validateOnly, wait, cancellationToken);
    }
}

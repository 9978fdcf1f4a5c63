using System.Collections.Frozen;
using Warp.Actors.Catalog;

namespace Warp.Actors.Maintenance;

/// <summary>How long the records of a topic's partitions are kept, as its configs in effect say.</summary>
/// <param name="RetentionMs">Age at which records go, in ms (<c>retention.ms</c>); negative for never.</param>
/// <param name="RetentionBytes">Size of a partition above which its oldest records go (<c>retention.bytes</c>); negative for never.</param>
public readonly record struct RetentionPolicy(long RetentionMs, long RetentionBytes)
{
    /// <summary>Everything goes.</summary>
    public static readonly RetentionPolicy KeepNothing = new(RetentionMs: -1, RetentionBytes: 0);

    /// <summary>The policies of all topics whose records go by age or size (<c>cleanup.policy</c>), by topic id.</summary>
    public static IReadOnlyDictionary<Guid, RetentionPolicy> Of(CatalogImage image) => image.ById.Values
        .Where(static topic => topic.IsOpen && topic.Config.IsDeleted)
        .Where(static topic => topic.Config.RetentionMs >= 0 || topic.Config.RetentionBytes >= 0)
        .ToFrozenDictionary(
            static topic => topic.Id, static topic => new RetentionPolicy(topic.Config.RetentionMs, topic.Config.RetentionBytes));
}

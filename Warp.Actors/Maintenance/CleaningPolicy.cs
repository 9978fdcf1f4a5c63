using System.Collections.Frozen;
using Warp.Actors.Catalog;

namespace Warp.Actors.Maintenance;

/// <summary>When the partitions of a topic are compacted by key, as its configs in effect say.</summary>
/// <param name="MinDirtyRatio">The share of a log that must not be compacted yet (<c>min.cleanable.dirty.ratio</c>), 0 to 1.</param>
/// <param name="MinLagMs">Records that are younger stay as they are (<c>min.compaction.lag.ms</c>), in ms.</param>
/// <param name="MaxLagMs">Records that are older are compacted whatever the share (<c>max.compaction.lag.ms</c>), in ms.</param>
/// <param name="MinDirtyBytes">Less than this is not worth a PUT, unless it is older than that.</param>
/// <param name="DeleteRetentionMs">How long tombstones stay once they were compacted (<c>delete.retention.ms</c>), in ms.</param>
public sealed record CleaningPolicy(double MinDirtyRatio, long MinLagMs, long MaxLagMs, long MinDirtyBytes, long DeleteRetentionMs)
{
    /// <summary>The policies of all topics that are compacted (<c>cleanup.policy</c> has <c>compact</c>), by topic id.</summary>
    public static IReadOnlyDictionary<Guid, CleaningPolicy> Of(CatalogImage image, long minDirtyBytes) => image.ById.Values
        .Where(static topic => topic.IsOpen && topic.Config.IsCompacted)
        .ToFrozenDictionary(static topic => topic.Id, topic => new CleaningPolicy(
            topic.Config.MinCleanableDirtyRatio, topic.Config.MinCompactionLagMs, topic.Config.MaxCompactionLagMs,
            minDirtyBytes, topic.Config.DeleteRetentionMs));
}

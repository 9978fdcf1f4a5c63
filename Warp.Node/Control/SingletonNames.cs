using Warp.Actors.Sharding;

namespace Warp.Node.Control;

/// <summary>What operators call the cluster's singletons.</summary>
internal static class SingletonNames
{
    /// <summary>All of them, by the number of their row.</summary>
    public static IReadOnlyList<int> Ids { get; } = [.. ShardIds.Singletons, ShardIds.Coordinator];

    /// <summary>A singleton's name; null for a shard.</summary>
    public static string? Of(int shardId) => shardId switch
    {
        ShardIds.Catalog => "catalog",
        ShardIds.Compaction => "compaction",
        ShardIds.Collection => "collection",
        ShardIds.Coordinator => "coordinator",
        _ => null,
    };
}

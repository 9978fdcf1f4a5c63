namespace Warp.Actors.Sharding;

/// <summary>The units of ownership: the cluster's shards from 0 on, and one for each cluster singleton. Frozen numbers.</summary>
public static class ShardIds
{
    /// <summary>How many shards a new cluster gets; a bit of a 64-bit mask for each.</summary>
    public const int Count = 64;

    /// <summary>The topic catalog.</summary>
    public const int Catalog = 1000;

    /// <summary>The compaction planner.</summary>
    public const int Compaction = 1001;

    /// <summary>Garbage collection.</summary>
    public const int Collection = 1002;

    /// <summary>The shard coordinator, who says where all the others should be.</summary>
    public const int Coordinator = 1003;

    /// <summary>The cluster singletons that the shard coordinator places, like shards.</summary>
    public static IReadOnlyList<int> Singletons { get; } = [Catalog, Compaction, Collection];
}

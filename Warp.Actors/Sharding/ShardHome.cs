using Warp.Actors.Persistence;

namespace Warp.Actors.Sharding;

/// <summary>Where a shard is: its owner, null while it has none, and the epoch of that.</summary>
public readonly record struct ShardHome(long Epoch, NodeIncarnation? Owner);

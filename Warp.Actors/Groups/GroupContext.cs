using Warp.Actors.Catalog;

namespace Warp.Actors.Groups;

/// <summary>A moment, on both clocks that a group needs.</summary>
/// <param name="Uptime">Monotonic, from any origin: what sessions and rebalances are measured on.</param>
/// <param name="EpochMs">The cluster's clock, in ms since 1970: what is journaled.</param>
public readonly record struct GroupTime(TimeSpan Uptime, long EpochMs);

/// <summary>All that a decision may look at besides the group's state.</summary>
public sealed record GroupContext(GroupTime Now, GroupSettings Settings, CatalogImage Catalog);

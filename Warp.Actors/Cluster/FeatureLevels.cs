namespace Warp.Actors.Cluster;

/// <summary>
/// What nodes of different versions may do side by side. The cluster's level is in its journal, and rises to what all of its nodes know; whatever
/// an older node could not read (an event's version, an object's, a message) is written only from the level on that brought it.
/// </summary>
public static class FeatureLevels
{
    /// <summary>Level 2: a node that leaves notes when it does, so that its row can be forgotten some day. Events and snapshots of version 1.</summary>
    public const int TimesOfDeparture = 2;

    /// <summary>Level 2: a node passes requests of consumer groups on to one that its clients do not see.</summary>
    public const int PassingOn = 2;

    /// <summary>The highest that this version knows.</summary>
    public const int Newest = TimesOfDeparture;

    /// <summary>The highest version in which events and snapshots are written at a level: each level brings the next one.</summary>
    public static short VersionAt(int level) => (short)Math.Max(0, level - 1);

    /// <summary>
    /// What all nodes know that are there or may come back: one that seems dead is one of them until it is forgotten, or somebody says that it is
    /// down. 0 without any.
    /// </summary>
    public static int Attainable(IEnumerable<NodeRow> nodes) => nodes
        .Where(static node => !node.HasLeft)
        .Select(static node => node.Description.FeatureLevel)
        .DefaultIfEmpty(0)
        .Min();
}

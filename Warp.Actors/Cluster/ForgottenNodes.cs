namespace Warp.Actors.Cluster;

/// <summary>Which rows of nodes go.</summary>
public static class ForgottenNodes
{
    /// <summary>
    /// Nodes that have been gone for long: where each new process has a new address there would be no end to them. And nodes that know less than
    /// the cluster uses, which came in while that rose: they could not read what others write, and stop when their row is gone.
    /// </summary>
    /// <param name="nodes">All rows.</param>
    /// <param name="level">The cluster's feature level.</param>
    /// <param name="now">The database's time.</param>
    /// <param name="memory">How long a node is remembered.</param>
    public static IEnumerable<NodeRow> Of(IEnumerable<NodeRow> nodes, int level, DateTimeOffset now, TimeSpan memory) => nodes.Where(
        row => (!row.HasLeft && row.Description.FeatureLevel < level) || (HasTime(row, level) && now - row.LastSeenAt > memory));

    /// <summary>Of a node that left at level 1 it is not known when; once there are no more of these, such rows are old.</summary>
    private static bool HasTime(NodeRow row, int level) =>
        level >= FeatureLevels.TimesOfDeparture || row.LastSeenAt > DateTimeOffset.UnixEpoch;
}

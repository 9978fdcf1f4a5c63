namespace Warp.Actors.Maintenance;

/// <summary>When compaction has something to do (<c>warp.compaction</c>).</summary>
/// <param name="Interval">How often it is looked for.</param>
/// <param name="MinObjects">So many small objects are worth a job, even if they do not fill an output.</param>
/// <param name="L1Bytes">How long an object of level 1 becomes.</param>
/// <param name="L2Bytes">How long an object of level 2 becomes.</param>
public sealed record CompactionPlannerSettings(TimeSpan Interval, int MinObjects, long L1Bytes, long L2Bytes);

namespace Warp.Actors.Maintenance;

/// <summary>
/// The rules of what to compact. Fresh objects are gathered, oldest first, into level 1; small objects of level 1 are merged with others of
/// their size, so that each byte is copied once for every eightfold growth; full ones are gathered into level 2; what is mostly dead is
/// copied by itself. A function of what there is; nothing is changed.
/// </summary>
public static class CompactionRules
{
    /// <summary>The most inputs of a job: what is in use of each must fit into the worker's memory.</summary>
    public const int MaxInputs = 1000;

    /// <summary>The most extents of a job, some 200 bytes of memory each and a fraction of a swap's event.</summary>
    public const int MaxExtents = 100_000;

    /// <summary>Sizes within this factor count as alike, and so many of a size make one of the next.</summary>
    private const int Growth = 8;

    /// <summary>Small objects that are so old are merged though they are few.</summary>
    private static readonly TimeSpan s_maxWait = TimeSpan.FromHours(1);

    /// <summary>Chooses what to do.</summary>
    /// <param name="objects">What there is, but for what must not be touched now.</param>
    /// <param name="settings">Sizes and counts.</param>
    /// <param name="now">By the database's clock.</param>
    /// <param name="force">Whether whatever can be merged is, however little it gains.</param>
    /// <returns>Disjoint groups, most urgent first.</returns>
    public static List<CompactionGroup> Choose(
        IEnumerable<CompactionCandidate> objects, CompactionPlannerSettings settings, DateTimeOffset now, bool force)
    {
        var fresh = new List<CompactionCandidate>();
        var dead = new List<CompactionCandidate>();
        var full = new List<CompactionCandidate>();
        var small = new SortedDictionary<int, List<CompactionCandidate>>();
        foreach (CompactionCandidate candidate in objects.OrderBy(static candidate => candidate.Id))
        {
            if (candidate.LiveBytes >= settings.L2Bytes / 2 && !candidate.IsMostlyDead)
                continue;
            if (candidate.Level == 0 && candidate.LiveBytes < settings.L1Bytes / 2)
                fresh.Add(candidate);
            else if (candidate.IsMostlyDead)
                dead.Add(candidate);
            else if (candidate.LiveBytes >= settings.L1Bytes / 2)
                full.Add(candidate);
            else
                TierOf(candidate, settings, small).Add(candidate);
        }

        var groups = new List<CompactionGroup>();
        Gather(groups, fresh, 1, settings.L1Bytes, rest => rest.Count >= settings.MinObjects || IsOld(rest, now) || force);
        Gather(groups, dead, settings, static _ => true);
        foreach (List<CompactionCandidate> tier in small.Values)
            Gather(groups, tier, 1, settings.L1Bytes, rest => rest.Count >= Growth || force);
        Gather(groups, full, 2, settings.L2Bytes, rest => rest.Count >= 2 * Growth || force);
        // One object alone gains nothing by a copy, unless that leaves its dead bytes behind.
        groups.RemoveAll(static group => group.Objects.Count == 1 && !group.Objects[0].IsMostlyDead);
        return groups;
    }

    /// <summary>Mostly dead objects: what is left of them decides the level.</summary>
    private static void Gather(
        List<CompactionGroup> groups, List<CompactionCandidate> dead, CompactionPlannerSettings settings,
        Predicate<List<CompactionCandidate>> takesRest)
    {
        Gather(groups, dead.FindAll(candidate => candidate.LiveBytes < settings.L1Bytes), 1, settings.L1Bytes, takesRest);
        Gather(groups, dead.FindAll(candidate => candidate.LiveBytes >= settings.L1Bytes), 2, settings.L2Bytes, takesRest);
    }

    /// <summary>Cuts a list into groups that fill an output each; what is left over is taken only if it is worth it.</summary>
    private static void Gather(
        List<CompactionGroup> groups, List<CompactionCandidate> objects, int level, long targetBytes,
        Predicate<List<CompactionCandidate>> takesRest)
    {
        var rest = new List<CompactionCandidate>();
        long bytes = 0;
        int extents = 0;
        foreach (CompactionCandidate candidate in objects)
        {
            bool fits = bytes + candidate.LiveBytes <= targetBytes && rest.Count < MaxInputs && extents + candidate.Extents <= MaxExtents;
            if (!fits && rest.Count > 0)
            {
                groups.Add(new CompactionGroup(level, targetBytes, rest));
                (rest, bytes, extents) = ([], 0, 0);
            }
            rest.Add(candidate);
            bytes += candidate.LiveBytes;
            extents += candidate.Extents;
        }
        if (rest.Count > 0 && takesRest(rest))
            groups.Add(new CompactionGroup(level, targetBytes, rest));
    }

    private static bool IsOld(List<CompactionCandidate> rest, DateTimeOffset now) => now - rest[0].Id.Time >= s_maxWait;

    private static List<CompactionCandidate> TierOf(
        in CompactionCandidate candidate, CompactionPlannerSettings settings, SortedDictionary<int, List<CompactionCandidate>> tiers)
    {
        int tier = (int)Math.Log(settings.L1Bytes / (double)Math.Max(1, candidate.LiveBytes), Growth);
        if (!tiers.TryGetValue(tier, out List<CompactionCandidate>? list))
            tiers.Add(tier, list = []);
        return list;
    }
}

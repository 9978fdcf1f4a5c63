using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Maintenance;

/// <summary>
/// When it is worth trying to delete an object. Whether it is safe is not decided here but by the row's lock in the journal: these rules
/// may rest on clocks that are wrong. Pure functions.
/// </summary>
public static class CollectionRules
{
    /// <summary>
    /// How often the store is listed for objects that no row knows. There are few, and a listing of a million objects is a thousand
    /// requests, so it waits for several graces.
    /// </summary>
    public static TimeSpan ListingInterval(TimeConstants times) => times.CollectionGrace * 4;

    /// <summary>After how long without an end an upload in parts is given up: as long as the longest job may need, and then some.</summary>
    public static TimeSpan UploadLife(TimeConstants times) => times.CollectionGrace * 4;

    /// <summary>
    /// Whether an object of the store that has no row is so old that no commit of it can be under way any more. It is as young as the
    /// later of its id and of its file.
    /// </summary>
    public static bool IsOrphanAge(ObjectId id, DateTimeOffset lastModified, DateTimeOffset now, TimeConstants times)
    {
        DateTimeOffset latest = id.Time > lastModified ? id.Time : lastModified;
        return now - latest > times.CommitDeadline + times.CollectionGrace;
    }

    /// <summary>Why an object that has this row goes, in words for an operator.</summary>
    public static string Explain(ObjectRow row) => row.State switch
    {
        ObjectState.Live => $"no shard has pointed into it since {row.ReleasedAt:u}",
        ObjectState.Pending => $"the job that was to write it should have ended by {row.Deadline:u}",
        _ when row.DeletedAt is { } deleted => $"it came back after it was deleted at {deleted:u}",
        _ => "its deletion was begun and not finished",
    };
}

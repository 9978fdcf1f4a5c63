namespace Warp.Actors.Persistence.Sql;

/// <summary>The states of objects as both kinds of databases keep them.</summary>
internal static class SqlObjectState
{
    public static ObjectState Parse(string text) => text switch
    {
        "pending" => ObjectState.Pending,
        "live" => ObjectState.Live,
        "deleting" => ObjectState.Deleting,
        _ => throw new JournalException(
            $"The journal has an object in the state '{text}', which this version of Warp does not know; run a newer one."),
    };
}

using System.Net.Sockets;
using Npgsql;

namespace Warp.Actors.Persistence.Sql;

/// <summary>What an error of the driver means, and how it is told.</summary>
internal static class PostgresErrors
{
    /// <summary>
    /// Whether the database said that it has undone the statement. Only an error says so that leaves the connection alive; one that ends
    /// it (a FATAL error, such as an administrator's termination) may have come after the commit.
    /// </summary>
    public static bool IsRolledBack(Exception error) =>
        error is PostgresException { InvariantSeverity: "ERROR" } said
        // 40003 is "statement completion unknown", 08 are errors of connections behind the one to us.
        && said.SqlState != PostgresErrorCodes.StatementCompletionUnknown && !said.SqlState.StartsWith("08", StringComparison.Ordinal);

    /// <summary>Whether the statement was undone because of another one that ran at the same time, so that it may be run again at once.</summary>
    public static bool IsCollision(Exception error) =>
        IsRolledBack(error)
        && ((PostgresException)error).SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected;

    /// <summary>Whether the server is a standby, as after a fail-over that our connections have not noticed.</summary>
    public static bool IsStandby(Exception error) => error is PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction };

    /// <summary>The error in one sentence that names the database, what is wrong and what to do.</summary>
    public static JournalException Explain(Exception error, PostgresSettings settings)
    {
        if (error is JournalException told)
            return told;
        string database = $"The journal's database at {settings.HostList}";
        (string sentence, bool isTransient) = Root(error) switch
        {
            PostgresException said => said.SqlState switch
            {
                "28P01" or "28000" when settings.Password is null =>
                    ($"{database} wants a password of the user {settings.User} ({Said(said)}); set {PostgresSettings.PasswordVariables[0]}", false),
                "28P01" or "28000" =>
                    ($"{database} does not let the user {settings.User} in ({Said(said)}); correct the name or the password (warp.journal.url, {PostgresSettings.PasswordVariables[0]})", false),
                "3D000" => ($"{database} has no database '{settings.Database}'; create it, or name another in warp.journal.url", false),
                "3F000" or "42501" =>
                    ($"{database} lacks a right that the user {settings.User} needs in '{settings.Database}' ({Said(said)}); grant it", false),
                "42P01" or "42703" or "42P07" =>
                    ($"{database} has in '{settings.Database}' other tables than a journal ({Said(said)}); give the journal a database of its own", false),
                PostgresErrorCodes.ReadOnlySqlTransaction =>
                    ($"{database} cannot be written ({Said(said)}); name the primary in warp.journal.url, or wait for the fail-over", true),
                PostgresErrorCodes.TooManyConnections => ($"{database} has no connection left ({Said(said)}); raise its max_connections", true),
                PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled =>
                    ($"{database} held a statement up for too long ({Said(said)}); it is tried again", true),
                _ => ($"{database} failed ({Said(said)}); look into its log", said.IsTransient || said.InvariantSeverity != "ERROR"),
            },
            SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData } unknown =>
                ($"{database} cannot be found ({unknown.Message}); correct the host in warp.journal.url", true),
            TimeoutException => ($"{database} does not answer in time; see whether it runs and can be reached", true),
            { } root => ($"{database} cannot be reached ({root.Message}); start it, or name another in warp.journal.url", true),
        };
        return new JournalException(sentence + ".", error) { IsTransient = isTransient };
    }

    /// <summary>One line that says what went wrong, for the detail of a result.</summary>
    public static string Detail(Exception error) => error switch
    {
        PostgresException said => Said(said),
        { InnerException: { } cause } => $"{error.Message}: {Detail(cause)}",
        _ => error.Message,
    };

    private static string Said(PostgresException error) => $"{error.SqlState}: {error.MessageText}";

    /// <summary>The error that says most: with several hosts, the first one's.</summary>
    private static Exception Root(Exception error)
    {
        while (error is not (PostgresException or SocketException or TimeoutException))
        {
            if ((error is AggregateException several ? several.InnerExceptions[0] : error.InnerException) is not { } cause)
                break;
            error = cause;
        }
        return error;
    }
}

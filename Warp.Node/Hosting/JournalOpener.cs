using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Node.Configuration;

namespace Warp.Node.Hosting;

/// <summary>Opens the journal that a URL names.</summary>
internal static class JournalOpener
{
    /// <summary>Opens it, or makes a new one in an empty place.</summary>
    /// <param name="url">As configured. A password may be in the environment instead.</param>
    /// <param name="newCluster">What a new one says of its cluster.</param>
    /// <param name="time">For the clock of an embedded journal, and for waits.</param>
    /// <param name="check">Sees the cluster that is there, null for none; when it throws, nothing has been changed or created.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="JournalException">It cannot be opened.</exception>
    public static async Task<IJournal> OpenAsync(
        BackendUrl url, ClusterRecord newCluster, TimeProvider time, Action<ClusterRecord?> check, CancellationToken cancellationToken)
    {
        if (url.Scheme == BackendUrl.PostgresScheme)
        {
            PostgresSettings settings = PostgresSettings.Parse($"{url.Scheme}:{url.Location}", Environment.GetEnvironmentVariable);
            return await PostgresJournal.OpenAsync(settings, newCluster, time, check, cancellationToken);
        }
        // Not even the folder is created before it is known that it may be.
        if (!SqliteJournal.Exists(url.Location))
            check(null);
        return await SqliteJournal.OpenAsync(url.Location, newCluster, time, check);
    }
}

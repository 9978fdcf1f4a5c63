using Microsoft.Data.Sqlite;
using Warp.Actors.Sequencing;

namespace Warp.Specs.Scenarios;

/// <summary>Looks into the journal of a node that does not run. A copy is opened, so that the node finds its own as it left it.</summary>
public static class JournalFile
{
    /// <summary>The objects that the journal refers to.</summary>
    /// <param name="path">The journal's file; what it has beside it is taken along.</param>
    public static HashSet<ObjectId> ReferencedObjects(string path) => ReadObjects(path, "TRUE");

    /// <summary>The objects that shards point into.</summary>
    /// <param name="path">The journal's file; what it has beside it is taken along.</param>
    public static HashSet<ObjectId> LiveObjects(string path) => ReadObjects(path, "state = 'live' AND live_shards <> 0");

    private static HashSet<ObjectId> ReadObjects(string path, string where)
    {
        var copies = Directory.CreateTempSubdirectory("warp-specs-");
        try
        {
            string copy = Path.Combine(copies.FullName, Path.GetFileName(path));
            File.Copy(path, copy);
            if (File.Exists(path + "-wal"))
                File.Copy(path + "-wal", copy + "-wal");
            var settings = new SqliteConnectionStringBuilder { DataSource = copy, Pooling = false };
            using var connection = new SqliteConnection(settings.ToString());
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = $"SELECT object_id FROM object WHERE {where}";
            using var row = command.ExecuteReader();
            var found = new HashSet<ObjectId>();
            while (row.Read())
                found.Add(ObjectId.FromBytes((byte[])row.GetValue(0)));
            return found;
        }
        finally
        {
            copies.Delete(recursive: true);
        }
    }
}

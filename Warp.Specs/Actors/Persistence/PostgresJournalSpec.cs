using System.Text;
using Npgsql;
using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sequencing;
using Warp.Specs.Contracts;
using Warp.Specs.Hosting;

namespace Warp.Specs.Actors.Persistence;

public sealed partial class PostgresJournalSpec : JournalSpec
{
    private PostgresDatabase _database = null!;

    public override async ValueTask InitializeAsync()
    {
        _database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await base.InitializeAsync();
    }

    /// <summary>More than a test takes.</summary>
    protected override TimeSpan Moment => TimeSpan.FromMinutes(1);

    protected override async Task<IJournal> OpenAsync() => await OpenAsync(_database);

    /// <summary>The server's clock cannot be set, so everything that was is made older.</summary>
    protected override Task PassAsync(TimeSpan time) => _database.ExecuteAsync(
        """
        UPDATE shard SET lease_until = lease_until - @t;
        UPDATE node SET heartbeat_at = CASE WHEN heartbeat_at > to_timestamp(0) THEN heartbeat_at - @t ELSE heartbeat_at + @t END;
        UPDATE object SET deadline = deadline - @t, released_at = released_at - @t, deleted_at = deleted_at - @t;
        """,
        ("t", time));

    protected override async Task<ObjectRow?> ReadObjectAsync(ObjectId id)
    {
        await using NpgsqlConnection connection = await _database.ConnectAsync();
        await using var command = new NpgsqlCommand(
            "SELECT size, level, state, live_shards, released_at IS NOT NULL, deadline FROM object WHERE object_id = @id", connection);
        command.Parameters.AddWithValue("id", id.ToByteArray());
        await using NpgsqlDataReader row = await command.ExecuteReaderAsync(Cancellation);
        if (!await row.ReadAsync(Cancellation))
            return null;
        return new ObjectRow(row.GetInt64(0), row.GetInt32(1), row.GetString(2), (ulong)row.GetInt64(3), row.GetBoolean(4))
        {
            DeadlineMs = row.IsDBNull(5) ? null : row.GetFieldValue<DateTimeOffset>(5).ToUnixTimeMilliseconds(),
        };
    }

    protected override Task MarkDeletingAsync(ObjectId id) =>
        _database.ExecuteAsync("UPDATE object SET state = 'deleting' WHERE object_id = @id", ("id", id.ToByteArray()));

    protected override async Task<string[]> AllEventsAsync(string persistenceId)
    {
        List<byte[]> payloads = await _database.QueryAsync<byte[]>(
            "SELECT payload FROM journal WHERE persistence_id = @id ORDER BY sequence_nr", ("id", persistenceId));
        return [.. payloads.Select(Encoding.UTF8.GetString)];
    }

    protected override Task LoseEventAsync(string persistenceId, long sequenceNr) => _database.ExecuteAsync(
        "DELETE FROM journal WHERE persistence_id = @id AND sequence_nr = @nr", ("id", persistenceId), ("nr", sequenceNr));

    private static async Task<PostgresJournal> OpenAsync(PostgresDatabase database) =>
        await PostgresJournal.OpenAsync(database.Settings, _newCluster, TimeProvider.System, cancellationToken: Cancellation);
}

using System.Text;
using Microsoft.Data.Sqlite;
using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sequencing;
using Warp.Specs.Contracts;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Persistence;

public sealed class SqliteJournalSpec : JournalSpec
{
    private readonly string _folder = Directory.CreateTempSubdirectory("warp-journal-").FullName;

    private ManualTime Time { get; } = new();

    private string Path => System.IO.Path.Combine(_folder, "not", "there", "yet", "warp.db");

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    protected override async Task<IJournal> OpenAsync() => await OpenAsync(Path);

    protected override TimeSpan Moment => TimeSpan.FromMilliseconds(1);

    protected override Task PassAsync(TimeSpan time)
    {
        Time.Advance(time);
        return Task.CompletedTask;
    }

    protected override async Task<ObjectRow?> ReadObjectAsync(ObjectId id)
    {
        ObjectRow? found = null;
        await SqlAsync(
            "SELECT size, level, state, live_shards, released_at IS NOT NULL, deadline FROM object WHERE object_id = $id",
            row => found = new ObjectRow(row.GetInt64(0), row.GetInt32(1), row.GetString(2), (ulong)row.GetInt64(3), row.GetBoolean(4))
            {
                DeadlineMs = row.IsDBNull(5) ? null : row.GetInt64(5),
            },
            ("$id", id.ToByteArray()));
        return found;
    }

    protected override Task MarkDeletingAsync(ObjectId id) =>
        SqlAsync("UPDATE object SET state = 'deleting' WHERE object_id = $id", _ => { }, ("$id", id.ToByteArray()));

    protected override async Task<string[]> AllEventsAsync(string persistenceId)
    {
        var texts = new List<string>();
        await SqlAsync(
            "SELECT payload FROM journal JOIN actor USING (actor_id) WHERE persistence_id = $id ORDER BY sequence_nr",
            row => texts.Add(Encoding.UTF8.GetString((byte[])row.GetValue(0))),
            ("$id", persistenceId));
        return [.. texts];
    }

    protected override bool TrimsAtOnce => false;

    protected override Task LoseEventAsync(string persistenceId, long sequenceNr) => SqlAsync(
        "DELETE FROM journal WHERE actor_id = (SELECT actor_id FROM actor WHERE persistence_id = $id) AND sequence_nr = $nr",
        _ => { }, ("$id", persistenceId), ("$nr", sequenceNr));

    [Fact]
    public async Task A_node_without_an_id_is_the_only_node_again_in_a_later_incarnation()
    {
        await ReopenAsync();

        NodeIncarnation again = await Journal.RegisterNodeAsync(null, Cancellation);

        Assert.Equal(new NodeIncarnation(Node.NodeId, Node.Incarnation + 1), again);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_trimmed_is_deleted_with_the_appends_that_follow(bool afterReopening)
    {
        const int Count = 200;
        Fence fence = await TakeAsync(1);
        var text = new string('x', 1024);
        for (int i = 1; i <= Count; i++)
            await AppendAsync(fence, "a", i, text);
        await AppendAsync(fence, "quiet", 1, "kept");
        await AppendAsync(Write(fence, "a", Count + 1) with { Snapshot = Snapshot(Count, "all") });
        await Journal.TrimAsync(fence, "a", Count, Cancellation);
        if (afterReopening)
            Assert.Equal(Count, (await AllEventsAsync("a")).Length);

        for (int i = 1; i <= Count; i++)
            await AppendAsync(fence, "b", i, text);

        // The last ones lie in a row with the quiet actor's.
        Assert.InRange((await AllEventsAsync("a")).Length, 0, 32);
        Assert.Equal(["<all>"], await RecoverAsync("a"));
        Assert.Equal(["kept"], await RecoverAsync("quiet"));
        Assert.Equal(Count, (await RecoverAsync("b")).Length);
        await AppendAsync(fence, "a", Count + 1, "more");
        await ReopenAsync();
        Assert.Equal(["<all>", "more"], await RecoverAsync("a"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Actors_that_are_too_quiet_for_a_snapshot_do_not_keep_what_lies_between_their_events(bool reopens)
    {
        const int Rounds = 60;
        const int Busy = 20;
        Fence fence = await TakeAsync(1);
        var text = new string('x', 1024);
        for (int round = 0; round < Rounds; round++)
        {
            await AppendAsync(fence, $"quiet-{round}", 1, $"kept-{round}");
            await AppendAsync(fence, "slow", round + 1, $"{round}");
            for (int i = 1; i <= Busy; i++)
                await AppendAsync(fence, "busy", (round * Busy) + i, text);
            int last = (round + 1) * Busy;
            await AppendAsync(Write(fence, "busy", last + 1) with { Snapshot = Snapshot(last, "all") });
            await Journal.TrimAsync(fence, "busy", last, Cancellation);
            if (reopens && round % 20 == 19)
                await ReopenAsync();
        }

        // A fifth of all that was written: what is alive are a hundred rows of the smallest size.
        Assert.InRange((await AllEventsAsync("busy")).Length, 0, Rounds * Busy / 5);
        await ReopenAsync();
        for (int round = 0; round < Rounds; round++)
            Assert.Equal([$"kept-{round}"], await RecoverAsync($"quiet-{round}"));
        Assert.Equal(Enumerable.Range(0, Rounds).Select(static round => $"{round}"), await RecoverAsync("slow"));
        Assert.Equal(["<all>"], await RecoverAsync("busy"));
        await AppendAsync(fence, "quiet-0", 2, "more");
        await AppendAsync(fence, "slow", Rounds + 1, "more");
        Assert.Equal(["kept-0", "more"], await RecoverAsync("quiet-0"));
        Assert.Equal("more", (await RecoverAsync("slow"))[^1]);
    }

    [Fact]
    public async Task A_file_that_lacks_an_event_is_not_taken_for_whole()
    {
        Fence fence = await TakeAsync(1);
        for (int i = 1; i <= 3; i++)
            await AppendAsync(fence, "a", i, $"{i}");

        await SqlAsync("DELETE FROM journal WHERE sequence_nr = 2", static _ => { });

        JournalException error = await Assert.ThrowsAsync<JournalException>(() => RecoverAsync("a"));

        Assert.Contains("event 2 of a is missing", error.Message);
    }

    [Fact]
    public async Task A_second_opener_is_told_that_the_file_is_in_use()
    {
        JournalException error = await Assert.ThrowsAsync<JournalException>(() => OpenAsync(Path));

        Assert.Contains("in use by another process", error.Message);
        Assert.Contains(Path, error.Message);
        await AppendAsync(await TakeAsync(1), "a", 1, "still writable");
    }

    [Fact]
    public async Task A_file_of_newer_tables_is_refused_and_left_as_it_was()
    {
        await SqlAsync("UPDATE cluster SET schema_version = 4; DROP TABLE node;", static _ => { }, reopen: false);

        JournalException error = await Assert.ThrowsAsync<JournalException>(() => OpenAsync(Path));

        Assert.Contains("newer Warp", error.Message);
        int tables = 0;
        await SqlAsync("SELECT name FROM sqlite_schema WHERE name = 'node'", _ => tables++, reopen: false);
        Assert.Equal(0, tables);
    }

    [Fact]
    public async Task A_file_of_the_first_tables_gets_the_new_columns_and_keeps_what_is_in_it()
    {
        Fence fence = await TakeAsync(1);
        await AppendAsync(fence, "a", 1, "one");
        await AppendAsync(fence, "b", 1, "two");
        await AppendAsync(Write(fence, "b", 2) with { Snapshot = Snapshot(1, "up to two") });
        await SqlAsync(
            """
            CREATE TABLE old_shard (
              shard_id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, owner_node INTEGER, owner_incarnation INTEGER, lease_until INTEGER NOT NULL);
            INSERT INTO old_shard SELECT shard_id, epoch, owner_node, owner_incarnation, lease_until FROM shard;
            DROP TABLE shard;
            ALTER TABLE old_shard RENAME TO shard;
            DROP TABLE node;
            CREATE TABLE node (node_id INTEGER PRIMARY KEY, incarnation INTEGER NOT NULL, heartbeat_at INTEGER NOT NULL);
            INSERT INTO node VALUES (4, 17, 1000);
            CREATE TABLE old_journal (
              ordinal INTEGER PRIMARY KEY, persistence_id TEXT NOT NULL, sequence_nr INTEGER NOT NULL, epoch INTEGER NOT NULL,
              kind INTEGER NOT NULL, version INTEGER NOT NULL, payload BLOB NOT NULL, written_at INTEGER NOT NULL);
            INSERT INTO old_journal SELECT ordinal, persistence_id, sequence_nr, epoch, kind, version, payload, written_at
              FROM journal JOIN actor USING (actor_id);
            DROP TABLE journal;
            DROP TABLE actor;
            ALTER TABLE old_journal RENAME TO journal;
            CREATE UNIQUE INDEX journal_by_actor ON journal (persistence_id, sequence_nr);
            ALTER TABLE cluster DROP COLUMN last_incarnation;
            UPDATE cluster SET schema_version = 1;
            """,
            static _ => { });

        Assert.Equal(_newCluster, await Journal.ReadClusterAsync(Cancellation));
        Assert.Equal(new NodeIncarnation(4, 18), await Journal.RegisterNodeAsync(null, Cancellation));
        Assert.Equal(["one"], await RecoverAsync("a"));
        Assert.Equal(["<up to two>"], await RecoverAsync("b"));
        await AppendAsync(fence, "b", 2, "three");
        await AppendAsync(fence, "a", 2, "two");
        await ReopenAsync();
        Assert.Equal(["one", "two"], await RecoverAsync("a"));
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_and_left_as_it_was()
    {
        string other = System.IO.Path.Combine(_folder, "notes.txt");
        string text = string.Join('\n', Enumerable.Repeat("This is not a database.", 1000));
        await File.WriteAllTextAsync(other, text, Cancellation);

        JournalException error = await Assert.ThrowsAsync<JournalException>(() => OpenAsync(other));

        Assert.Contains("not a SQLite database", error.Message);
        Assert.Equal(text, await File.ReadAllTextAsync(other, Cancellation));
    }

    [Fact]
    public async Task A_database_of_somebody_else_is_refused_and_left_as_it_was()
    {
        string other = System.IO.Path.Combine(_folder, "browser.db");
        await using (SqliteConnection connection = await ConnectAsync(other))
            await ExecuteAsync(connection, "CREATE TABLE history (url TEXT)");
        byte[] before = await File.ReadAllBytesAsync(other, Cancellation);

        JournalException error = await Assert.ThrowsAsync<JournalException>(() => OpenAsync(other));

        Assert.Contains("no journal", error.Message);
        Assert.Equal(before, await File.ReadAllBytesAsync(other, Cancellation));
    }

    [Fact]
    public async Task A_file_whose_making_was_cut_short_becomes_a_journal()
    {
        string half = System.IO.Path.Combine(_folder, "half.db");
        await using (SqliteConnection connection = await ConnectAsync(half))
            await ExecuteAsync(connection, "PRAGMA journal_mode = WAL; CREATE TABLE x (y); DROP TABLE x;");
        var checkedClusters = new List<ClusterRecord?>();

        await using SqliteJournal journal = await SqliteJournal.OpenAsync(half, _newCluster, Time, checkedClusters.Add);

        Assert.Equal([null], checkedClusters);
        Assert.Equal(_newCluster, await journal.ReadClusterAsync(Cancellation));
    }

    [Fact]
    public async Task A_path_that_cannot_be_a_file_is_a_clear_error()
    {
        string folder = Directory.CreateDirectory(System.IO.Path.Combine(_folder, "folder")).FullName;

        JournalException error = await Assert.ThrowsAsync<JournalException>(() => OpenAsync(folder));

        Assert.Contains(folder, error.Message);
    }

    [Fact]
    public async Task What_was_written_is_in_a_crash_image_taken_at_any_moment()
    {
        Fence fence = await TakeAsync(1);
        for (int i = 1; i <= 20; i++)
        {
            await AppendAsync(fence, "a", i, $"{i}");
            string image = System.IO.Path.Combine(_folder, $"image-{i}", "warp.db");
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(image)!);
            foreach (string file in Directory.GetFiles(System.IO.Path.GetDirectoryName(Path)!))
                File.Copy(file, System.IO.Path.Combine(System.IO.Path.GetDirectoryName(image)!, System.IO.Path.GetFileName(file)));

            await using SqliteJournal survivor = await OpenAsync(image);

            RecoveredJournal found = await survivor.RecoverAsync("a", Cancellation);
            Assert.Equal(i, found.LastSequenceNr);
            Assert.Equal([fence], await survivor.RenewAsync(Node, [fence], _lease, Cancellation));
        }
    }

    [Fact]
    public async Task The_clock_goes_on_when_the_machines_is_set_back_over_restarts_too()
    {
        DateTimeOffset start = await Journal.ReadClockAsync(Cancellation);
        await Journal.RenewAsync(Node, [], _lease, Cancellation);
        Time.StepWallClock(TimeSpan.FromHours(-1));
        Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(start + TimeSpan.FromSeconds(5), await Journal.ReadClockAsync(Cancellation));
        await Journal.RenewAsync(Node, [], _lease, Cancellation);

        await ReopenAsync();
        Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(start + TimeSpan.FromSeconds(10), await Journal.ReadClockAsync(Cancellation));

        Time.StepWallClock(TimeSpan.FromHours(3));
        Assert.Equal(start + TimeSpan.FromHours(2) + TimeSpan.FromSeconds(10), await Journal.ReadClockAsync(Cancellation));
    }

    private async Task<SqliteJournal> OpenAsync(string path) => await SqliteJournal.OpenAsync(path, _newCluster, Time);

    /// <summary>Closes the journal, which alone may use the file, and runs a statement.</summary>
    private async Task SqlAsync(string sql, Action<SqliteDataReader> row, params (string Name, object Value)[] values) =>
        await SqlAsync(sql, row, reopen: true, values);

    private async Task SqlAsync(string sql, Action<SqliteDataReader> row, bool reopen, params (string Name, object Value)[] values)
    {
        if (reopen)
        {
            await ReopenAsync(RunAsync);
            return;
        }
        await CloseAsync();
        await RunAsync();

        async Task RunAsync()
        {
            await using SqliteConnection connection = await ConnectAsync(Path);
            await using SqliteCommand command = connection.CreateCommand();
            command.CommandText = sql;
            foreach ((string name, object value) in values)
                command.Parameters.AddWithValue(name, value);
            await using SqliteDataReader reader = await command.ExecuteReaderAsync(Cancellation);
            while (await reader.ReadAsync(Cancellation))
                row(reader);
        }
    }

    private static async Task<SqliteConnection> ConnectAsync(string path)
    {
        var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        await connection.OpenAsync(Cancellation);
        return connection;
    }

    private static async Task ExecuteAsync(SqliteConnection connection, string sql)
    {
        await using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}

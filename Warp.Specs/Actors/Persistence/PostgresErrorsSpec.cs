using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sharding;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Persistence;

/// <summary>What an operator is told who named a wrong database, and how one is named.</summary>
public sealed class PostgresErrorsSpec
{
    private static readonly ClusterRecord s_newCluster =
        new("a-cluster-id-of-22-char", Lineage: 0, StoreBound: false, ShardIds.Count, EntityHash.Name, FeatureLevel: 1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_wrong_password_is_told_without_it()
    {
        PostgresServer server = await PostgresServer.SharedAsync();

        JournalException error = await RefusedAsync($"postgres://warp:a-wrong-one@127.0.0.1:{server.Port}/postgres");

        Assert.False(error.IsTransient);
        Assert.Contains($"127.0.0.1:{server.Port} does not let the user warp in", error.Message);
        Assert.Contains("WARP_JOURNAL_PASSWORD", error.Message);
        Assert.DoesNotContain("a-wrong-one", error.ToString());
    }

    [Fact]
    public async Task A_database_that_does_not_exist_is_told()
    {
        PostgresServer server = await PostgresServer.SharedAsync();

        JournalException error = await RefusedAsync($"postgres://warp:warp@127.0.0.1:{server.Port}/nowhere");

        Assert.False(error.IsTransient);
        Assert.Contains($"127.0.0.1:{server.Port} has no database 'nowhere'; create it", error.Message);
    }

    [Fact]
    public async Task A_server_that_does_not_run_is_told_and_may_come()
    {
        int port = FreePorts.Take();

        JournalException error = await RefusedAsync($"postgres://warp:warp@127.0.0.1:{port}/warp");

        Assert.True(error.IsTransient);
        Assert.Contains($"127.0.0.1:{port} cannot be reached", error.Message);
    }

    [Fact]
    public async Task A_host_that_does_not_exist_is_told()
    {
        JournalException error = await RefusedAsync("postgres://warp:warp@no-such-host.invalid/warp");

        Assert.Contains("no-such-host.invalid:5432", error.Message);
    }

    [Fact]
    public async Task A_database_of_newer_tables_is_refused_and_left_as_it_was()
    {
        PostgresDatabase database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await (await PostgresJournal.OpenAsync(database.Settings, s_newCluster, TimeProvider.System, null, Cancellation)).DisposeAsync();
        await database.ExecuteAsync("UPDATE cluster SET schema_version = 2; DROP TABLE node;");

        JournalException error = await RefusedAsync(database.Url);

        Assert.False(error.IsTransient);
        Assert.Contains($"/{database.Name} was written by a newer Warp", error.Message);
        Assert.DoesNotContain(":warp@", error.Message);
        Assert.Equal(0L, Assert.Single(await database.QueryAsync<long>("SELECT count(*) FROM pg_tables WHERE tablename = 'node'")));
    }

    [Theory]
    [InlineData("CREATE TABLE node (url TEXT)")]
    [InlineData("CREATE TABLE cluster (url TEXT)")]
    public async Task A_database_of_somebody_else_is_refused_and_left_as_it_was(string tables)
    {
        PostgresDatabase database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await database.ExecuteAsync(tables);

        JournalException error = await RefusedAsync(database.Url);

        Assert.False(error.IsTransient);
        Assert.Contains("no journal's", error.Message);
        Assert.Equal(1L, Assert.Single(await database.QueryAsync<long>("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")));
    }

    [Fact]
    public async Task A_check_that_objects_leaves_an_empty_database_empty()
    {
        PostgresDatabase database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(() => PostgresJournal.OpenAsync(
            database.Settings, s_newCluster, TimeProvider.System, static _ => throw new InvalidOperationException(), Cancellation));

        Assert.Equal(0L, Assert.Single(await database.QueryAsync<long>("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")));
    }

    [Fact]
    public async Task Of_several_hosts_the_one_that_can_be_written_is_used_and_a_schema_may_be_named()
    {
        PostgresDatabase database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await database.ExecuteAsync("CREATE SCHEMA other");
        var settings = PostgresSettings.Parse(
            $"postgresql://warp@127.0.0.1:{FreePorts.Take()},127.0.0.1:{database.Server.Port}/{database.Name}?search_path=other&sslmode=disable",
            static name => name == "PGPASSWORD" ? "warp" : null);

        await using PostgresJournal journal = await PostgresJournal.OpenAsync(settings, s_newCluster, TimeProvider.System, null, Cancellation);

        Assert.Equal(s_newCluster, await journal.ReadClusterAsync(Cancellation));
        Assert.Equal(6L, Assert.Single(await database.QueryAsync<long>("SELECT count(*) FROM pg_tables WHERE schemaname = 'other'")));
    }

    [Fact]
    public void A_url_names_all_parts_and_is_printed_without_its_password()
    {
        var settings = PostgresSettings.Parse("postgres://wa%40rp:se%3Acr%2Fet@db1.example,[::1]:6000/jour%20nal", static _ => "not used");

        Assert.Equal("wa@rp", settings.User);
        Assert.Equal("jour nal", settings.Database);
        Assert.Equal([("db1.example", 5432), ("::1", 6000)], settings.Hosts);
        Assert.Equal("postgres://wa%40rp@db1.example:5432,[::1]:6000/jour%20nal", settings.ToString());
    }

    [Theory]
    [InlineData("mysql://warp@db/warp", "it must be postgres://")]
    [InlineData("postgres:warp", "it must be postgres://")]
    [InlineData("postgres://db/warp", "it names no user")]
    [InlineData("postgres://warp@/warp", "it names no host")]
    [InlineData("postgres://warp@a,,b/warp", "it names no host")]
    [InlineData("postgres://warp@db", "it names no database")]
    [InlineData("postgres://warp:secret@db:port/warp", "its port 'port' is none")]
    [InlineData("postgres://warp:secret@db:65536/warp", "its port '65536' is none")]
    [InlineData("postgres://warp:secret@db/warp?sslmod=require", "it has the option 'sslmod'")]
    [InlineData("postgres://warp:secret@db/warp?sslmode=perhaps", "the option sslmode cannot be 'perhaps'")]
    [InlineData("postgres://warp:secret@db/warp?pool_size=many", "the option pool_size cannot be 'many'")]
    public void A_url_that_is_wrong_is_told_what_is(string url, string fault)
    {
        FormatException error = Assert.Throws<FormatException>(() => PostgresSettings.Parse(url, static _ => null));

        Assert.Contains(fault, error.Message);
        Assert.DoesNotContain("secret", error.ToString());
    }

    private static async Task<JournalException> RefusedAsync(string url) => await Assert.ThrowsAsync<JournalException>(
        () => PostgresJournal.OpenAsync(
            PostgresSettings.Parse(url, static _ => null), s_newCluster, TimeProvider.System, null, Cancellation));
}

using System.Diagnostics;
using System.Globalization;
using System.Text;
using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sharding;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Persistence;

/// <summary>A database that crashes, stands still and comes back, on a server of its own.</summary>
public sealed class PostgresCrashSpec : IAsyncLifetime
{
    private static readonly TimeSpan s_lease = TimeSpan.FromMinutes(1);

    private PostgresServer _server = null!;
    private PostgresJournal _journal = null!;
    private NodeIncarnation _node;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.StartAsync();
        PostgresDatabase database = await _server.NewDatabaseAsync();
        var cluster = new ClusterRecord("a-cluster-id-of-22-char", 0, StoreBound: false, ShardIds.Count, EntityHash.Name, 1);
        _journal = await PostgresJournal.OpenAsync(database.Settings, cluster, TimeProvider.System, null, Cancellation);
        _node = await _journal.RegisterNodeAsync(null, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _journal.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task What_was_written_is_there_after_crashes_in_the_midst_of_appends()
    {
        using var stopping = new CancellationTokenSource();
        int[] written = new int[4];
        int[] unknown = new int[4];
        Task[] writers = [.. Enumerable.Range(0, 4).Select(i => Task.Run(() => WriteAsync(i)))];
        for (int crash = 1; crash <= 3; crash++)
        {
            int enough = written.Sum() + 200;
            await Wait.UntilAsync(() => written.Sum() >= enough, JournaledNode.Patience, "200 appends");
            await _server.CrashAsync();
            await _server.StartAgainAsync();
        }
        await stopping.CancelAsync();
        await Task.WhenAll(writers);

        TestContext.Current.TestOutputHelper?.WriteLine($"{written.Sum()} written, {unknown.Sum()} unknown");
        for (int i = 0; i < 4; i++)
        {
            RecoveredJournal found = await _journal.RecoverAsync($"actor-{i}", Cancellation);
            Assert.Equal(
                Enumerable.Range(1, written[i]),
                found.Events.Select(static record => int.Parse(Encoding.UTF8.GetString(record.Payload.Span), CultureInfo.InvariantCulture)));
        }

        async Task WriteAsync(int shard)
        {
            Fence fence = await TakeAsync(shard);
            while (!stopping.IsCancellationRequested)
            {
                WriteResult result = await AppendAsync(fence, $"actor-{shard}", written[shard] + 1);
                if (result.Outcome == WriteOutcome.Written)
                {
                    written[shard]++;
                }
                else if (result.Outcome == WriteOutcome.Unknown)
                {
                    unknown[shard]++;
                    fence = await TakeAsync(shard);
                    long last = (await UntilAnsweredAsync(() => _journal.RecoverAsync($"actor-{shard}", Cancellation))).LastSequenceNr;
                    Assert.InRange(last, written[shard], written[shard] + 1);
                    written[shard] = (int)last;
                }
                else
                {
                    // What is refused because there is no database can be tried again as it is.
                    Assert.Equal(WriteRefusal.RolledBack, result.Refusal);
                    Assert.Contains("no connection", result.Detail);
                }
            }
        }
    }

    [Fact]
    public async Task Without_a_database_an_append_is_refused_for_sure_and_goes_on_when_it_is_back()
    {
        Fence fence = await TakeAsync(1);
        Assert.Equal(WriteResult.Written, await AppendAsync(fence, "a", 1));
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _journal.ReadClockAsync(Cancellation).AsTask()));

        await _server.CrashAsync();
        await Assert.ThrowsAsync<JournalException>(() => _journal.ReadClockAsync(Cancellation).AsTask());
        WriteResult refused = await AppendAsync(fence, "a", 2);
        await _server.StartAgainAsync();
        WriteResult written = await AppendAsync(fence, "a", 2);

        Assert.Equal((WriteOutcome.Refused, WriteRefusal.RolledBack), (refused.Outcome, refused.Refusal));
        Assert.Equal(WriteResult.Written, written);
        Assert.Equal(2, (await _journal.RecoverAsync("a", Cancellation)).LastSequenceNr);
    }

    [Fact]
    public async Task A_restart_while_nothing_goes_on_is_not_noticed_by_the_next_append()
    {
        Fence fence = await TakeAsync(1);
        Assert.Equal(WriteResult.Written, await AppendAsync(fence, "a", 1));
        await _server.CrashAsync();
        await _server.StartAgainAsync();

        Assert.Equal(WriteResult.Written, await AppendAsync(fence, "a", 2));
    }

    [Fact]
    public async Task A_server_that_stands_still_is_given_up_and_the_outcome_is_found_when_it_goes_on()
    {
        Fence fence = await TakeAsync(1);
        Assert.Equal(WriteResult.Written, await AppendAsync(fence, "a", 1));
        var elapsed = Stopwatch.StartNew();
        await _server.PauseAsync();

        WriteResult result = await AppendAsync(fence, "a", 2);
        TimeSpan givenUpAfter = elapsed.Elapsed;
        await _server.ResumeAsync();

        // 5 s, and the rest for a busy machine.
        Assert.InRange(givenUpAfter, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(15));
        Assert.NotEqual(WriteOutcome.Written, result.Outcome);
        Fence next = await TakeAsync(1);
        long last = (await _journal.RecoverAsync("a", Cancellation)).LastSequenceNr;
        Assert.InRange(last, 1, result.Outcome == WriteOutcome.Unknown ? 2 : 1);
        Assert.Equal(WriteResult.Written, await AppendAsync(next, "a", last + 1));
        Assert.Equal(last + 1, (await _journal.RecoverAsync("a", Cancellation)).LastSequenceNr);
    }

    private async Task<Fence> TakeAsync(int shard) =>
        Assert.Single(await UntilAnsweredAsync(() => _journal.TakeOverAsync(_node, [shard], s_lease, Cancellation)));

    private async Task<WriteResult> AppendAsync(Fence fence, string persistenceId, long number) => Assert.Single(await _journal.AppendAsync(
        [
            new ActorWrite
            {
                Fence = fence,
                PersistenceId = persistenceId,
                FirstSequenceNr = number,
                Events = [new EventRecord(1, 0, Encoding.UTF8.GetBytes($"{number}"))],
            },
        ],
        Cancellation));

    /// <summary>Asks as long as the database is away.</summary>
    private static async Task<T> UntilAnsweredAsync<T>(Func<ValueTask<T>> ask)
    {
        for (var elapsed = Stopwatch.StartNew(); ; await Task.Delay(50, Cancellation))
        {
            try
            {
                return await ask();
            }
            catch (JournalException error) when (error.IsTransient && elapsed.Elapsed < JournaledNode.Patience)
            {
            }
        }
    }
}

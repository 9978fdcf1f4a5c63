using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>Swaps on a real journal: what is journaled with them, and what a lost answer or an output that is gone does.</summary>
public sealed class SequencerSwapSpec : IAsyncLifetime
{
    private static readonly Guid s_topic = new("00112233-4455-6677-8899-aabbccddeeff");

    private readonly Random _random = new(1);
    private JournaledNode _node = null!;
    private TopicPartition[] _partitions = null!;
    private Committer[] _commits = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private DateTimeOffset Now => _node.Leases.Clock.Now;

    /// <summary>Two shards, a partition in each.</summary>
    public async ValueTask InitializeAsync()
    {
        _node = await JournaledNode.StartAsync(shards: 2);
        _partitions = [.. Enumerable.Range(0, 2).Select(static i => new TopicPartition(s_topic, i)).OrderBy(_node.Region.ShardOf)];
        Assert.Equal([0, 1], _partitions.Select(_node.Region.ShardOf));
        _commits = [.. _partitions.Select(_ => new Committer(_node.Node, _random, () => Now))];
        foreach (TopicPartition partition in _partitions)
            await _node.OpenAsync(partition);
    }

    public async ValueTask DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task A_swap_outlives_a_restart_and_its_output_becomes_live_with_it()
    {
        ObjectId[] inputs = await CommitAsync(2);
        ExtentReplacement swap = await CopyAsync(0, inputs);

        Assert.Equal([PartitionRefusal.None], (await SwapAsync(0, swap)).Partitions);
        PartitionExtents before = await _node.ReadAsync(_partitions[0], 0);
        await _node.RestartAsync();

        Assert.Equal(before.Extents, (await _node.ReadAsync(_partitions[0], 0)).Extents);
        OutputObject output = swap.Outputs[0];
        ReadableExtent readable = Assert.Single(before.Extents);
        Assert.Equal((output.Id, output.SizeBytes, output.Level), (readable.Extent.ObjectId, readable.ObjectSizeBytes, readable.Level));
        Assert.Equal([PartitionRefusal.None], (await SwapAsync(0, swap)).Partitions);
        // The other shard still points into the originals.
        await AssertRowsAsync([(inputs[0], "live", 2, false), (inputs[1], "live", 2, false), (output.Id, "live", 1, false)]);
    }

    [Fact]
    public async Task Two_shards_that_release_an_object_at_once_release_it_once_both_have()
    {
        ObjectId[] inputs = await CommitAsync(3);
        ExtentReplacement[] swaps = [await CopyAsync(0, inputs), await CopyAsync(1, inputs)];
        ObjectId output = swaps[0].Outputs[0].Id;
        swaps[1] = swaps[1] with
        {
            Outputs = swaps[0].Outputs,
            Partitions = [.. swaps[1].Partitions.Select(p => p with { Added = [.. p.Added.Select(Behind)] })],
        };
        _node.Journal.HoldAppends();
        Task<ReplaceReply>[] replies = [SwapAsync(0, swaps[0]), SwapAsync(1, swaps[1])];
        _node.Journal.ReleaseAppends();

        Assert.All(await Task.WhenAll(replies), static reply => Assert.Equal([PartitionRefusal.None], reply.Partitions));

        await AssertRowsAsync([.. inputs.Select(static id => (id, "live", 0L, true)), (output, "live", 3, false)]);

        Extent Behind(Extent extent) => extent with { ObjectId = output, Position = extent.Position + 5000 };
    }

    [Theory]
    [InlineData(nameof(AppendFault.CommittedButUnknown))]
    [InlineData(nameof(AppendFault.LostButUnknown))]
    public async Task A_swap_whose_reply_is_lost_is_repeated_and_counts_once(string fault)
    {
        ObjectId[] inputs = await CommitAsync(2);
        ExtentReplacement swap = await CopyAsync(0, inputs);
        _node.Journal.FailNext(Enum.Parse<AppendFault>(fault), static write => write.PersistenceId == "sequencer-0");

        await Assert.ThrowsAsync<ActorStoppedException>(() => SwapAsync(0, swap));
        ReplaceReply repeated = await SwapAsync(0, swap);

        Assert.Equal(SwapRefusal.None, repeated.Refusal);
        Assert.Equal([PartitionRefusal.None], repeated.Partitions);
        Assert.Equal(swap.Outputs[0].Id, Assert.Single((await _node.ReadAsync(_partitions[0], 0)).Extents).Extent.ObjectId);
        ExtentReplacement late = swap with { SwapId = ObjectId.Mint(Now, _random) };
        Assert.Equal([PartitionRefusal.ExtentsMissing], (await SwapAsync(0, late)).Partitions);
    }

    [Fact]
    public async Task Rule_8_an_output_that_the_collector_has_taken_is_refused_and_the_originals_stay()
    {
        ObjectId[] inputs = await CommitAsync(2);
        ExtentReplacement swap = await CopyAsync(0, inputs);
        PartitionExtents before = await _node.ReadAsync(_partitions[0], 0);
        await SqlAsync("UPDATE object SET state = 'deleting' WHERE state = 'pending'");

        Assert.Equal(SwapRefusal.OutputGone, (await SwapAsync(0, swap)).Refusal);
        await SqlAsync("DELETE FROM object WHERE state = 'deleting'");
        Assert.Equal(SwapRefusal.OutputGone, (await SwapAsync(0, swap)).Refusal);

        Assert.Equal(before.Extents, (await _node.ReadAsync(_partitions[0], 0)).Extents);
    }

    [Fact]
    public async Task A_swap_that_the_journal_cannot_take_changes_nothing_and_may_be_repeated()
    {
        ObjectId[] inputs = await CommitAsync(2);
        ExtentReplacement swap = await CopyAsync(0, inputs);
        _node.Journal.FailNext(AppendFault.RolledBack);

        Assert.Equal(SwapRefusal.NotWritten, (await SwapAsync(0, swap)).Refusal);
        Assert.Equal(2, (await _node.ReadAsync(_partitions[0], 0)).Extents.Count);
        Assert.Equal(SwapRefusal.None, (await SwapAsync(0, swap)).Refusal);
    }

    [Fact]
    public async Task A_reader_sees_the_originals_until_the_swap_is_journaled()
    {
        ObjectId[] inputs = await CommitAsync(2);
        ExtentReplacement swap = await CopyAsync(0, inputs);
        _node.Journal.HoldAppends();
        Task<ReplaceReply> reply = SwapAsync(0, swap);

        Assert.Equal(inputs, (await _node.ReadAsync(_partitions[0], 0)).Extents.Select(static e => e.Extent.ObjectId));
        Assert.False(reply.IsCompleted);
        _node.Journal.ReleaseAppends();
        await reply;

        Assert.Single((await _node.ReadAsync(_partitions[0], 0)).Extents);
    }

    /// <summary>Commits objects that both shards have records in.</summary>
    private async Task<ObjectId[]> CommitAsync(int count)
    {
        var ids = new ObjectId[count];
        for (int i = 0; i < count; i++)
        {
            ObjectCommit first = _commits[0].Next(Batch(_partitions[0], 10));
            ObjectCommit second = _commits[1].Next(Batch(_partitions[1], 10)) with { ObjectId = first.ObjectId };
            ids[i] = first.ObjectId;
            for (int shard = 0; shard < 2; shard++)
            {
                CommitReply reply = await JournaledNode.AskAsync(
                    _node.Region.LocalSequencer(shard)!,
                    (Reply<CommitReply> answer) => new SequencerMessage.Commit(shard == 0 ? first : second, answer));
                Assert.Equal(ErrorCode.None, Assert.Single(reply.Batches).Answer.Error);
            }
        }
        return ids;
    }

    /// <summary>Does what a worker does before its swap, but for the upload.</summary>
    private async Task<ExtentReplacement> CopyAsync(int shard, ObjectId[] inputs)
    {
        FindExtentsReply found = await JournaledNode.AskAsync(
            _node.Region.LocalSequencer(shard)!,
            (Reply<FindExtentsReply> reply) => new SequencerMessage.FindExtents(new HashSet<ObjectId>(inputs), reply));
        ExtentReplacement swap = SampleSwap.Of(found.Extents, Now, _random);
        Assert.True(await _node.Journal.RegisterPendingAsync(swap.Outputs[0].Id, 1, Now + TimeSpan.FromMinutes(10), Cancellation));
        return swap;
    }

    private Task<ReplaceReply> SwapAsync(int shard, ExtentReplacement swap) => JournaledNode.AskAsync(
        _node.Region.LocalSequencer(shard)!, (Reply<ReplaceReply> reply) => new SequencerMessage.ReplaceExtents(swap, reply));

    private async Task AssertRowsAsync((ObjectId Id, string State, long Shards, bool Released)[] expected)
    {
        foreach ((ObjectId id, string state, long shards, bool released) in expected)
        {
            string[] row = await SqlAsync(
                $"SELECT state || ' ' || live_shards || ' ' || (released_at IS NOT NULL) FROM object WHERE object_id = x'{id.Value:x32}'");
            Assert.Equal([$"{state} {shards} {(released ? 1 : 0)}"], row);
        }
    }

    private async Task<string[]> SqlAsync(string sql)
    {
        var rows = new List<string>();
        await _node.RestartAsync(async path =>
        {
            await using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={path};Pooling=False");
            await connection.OpenAsync(Cancellation);
            await using Microsoft.Data.Sqlite.SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The text is the test's own.
            command.CommandText = sql;
#pragma warning restore CA2100
            await using var reader = await command.ExecuteReaderAsync(Cancellation);
            while (await reader.ReadAsync(Cancellation))
                rows.Add(reader.GetString(0));
        });
        return [.. rows];
    }
}

using Microsoft.Data.Sqlite;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Format;
using Warp.Streams.Maintenance;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Maintenance;

/// <summary>What a verification finds: every kind of fault, and nothing where all is well.</summary>
public sealed class StoreVerifierSpec : IAsyncLifetime
{
    private CollectionWorld _world = null!;
    private TopicPartition[] _topic = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ScriptedObjectStore Store => _world.Streams.Store;

    public async ValueTask InitializeAsync()
    {
        _world = await CollectionWorld.StartAsync();
        _topic = await _world.Streams.OpenTopicAsync(8);
    }

    public async ValueTask DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task A_store_without_faults_has_none()
    {
        for (int round = 0; round < 4; round++)
            await ProduceToAllAsync(round);
        await _world.DeleteRecordsAsync(_topic[0], 3);
        await AssertFindsAsync();
        _world.Time.Advance(TimeSpan.FromDays(1));
        await _world.SweepAsync();
        await AssertFindsAsync();
    }

    [Fact]
    public async Task A_store_that_is_looked_at_in_shares_is_looked_at_whole()
    {
        for (int round = 0; round < 10; round++)
            await ProduceToAllAsync(round);
        List<string> keys = await Store.KeysAsync();
        await Store.DeleteAsync([keys[1], keys[8]], Cancellation);
        var findings = new List<VerificationFinding>();

        var verifier = new StoreVerifier(_world.Streams.Journal, Store, _world.Keys, CollectionWorld.Times, maxKept: 20);
        VerificationResult result = await verifier.RunAsync(findings.Add, Cancellation);

        Assert.Equal([keys[1], keys[8]], findings.Select(static finding => finding.Subject).Order(StringComparer.Ordinal));
        Assert.Equal((8, 80), (result.Objects, result.Extents));
    }

    [Fact]
    public async Task An_object_that_is_gone_is_missing_with_its_shards_and_records()
    {
        string key = await _world.ProduceAsync(_topic[0], "a");
        await Store.DeleteAsync([key], Cancellation);

        VerificationFinding finding = Assert.Single(await _world.VerifyAsync());

        Assert.Equal((FindingKind.MissingObject, key), (finding.Kind, finding.Subject));
        Assert.Contains("1 records", finding.Problem);
    }

    [Theory]
    [InlineData("the first byte", FindingKind.DamagedObject)]
    [InlineData("a record", FindingKind.BadChecksum)]
    [InlineData("a batch's length", FindingKind.DamagedObject)]
    [InlineData("the footer", FindingKind.DamagedObject)]
    [InlineData("the last byte", FindingKind.DamagedObject)]
    public async Task A_byte_that_was_changed_is_found(string where, FindingKind kind)
    {
        string key = await _world.ProduceAsync(_topic[0], "some text");
        byte[] bytes = await Store.GetAsync(key, Cancellation);
        int position = where switch
        {
            "the first byte" => 0,
            "a record" => ObjectFormat.HeaderBytes + RecordBatchHeader.Size + 8,
            "a batch's length" => ObjectFormat.HeaderBytes + RecordBatchHeader.BatchLengthOffset,
            "the footer" => bytes.Length - ObjectFormat.TrailerBytes - 5,
            _ => bytes.Length - 1,
        };
        bytes[position] ^= 0x55;
        await ReplaceAsync(key, bytes);

        Assert.Contains((kind, key), (await _world.VerifyAsync()).Select(static finding => (finding.Kind, finding.Subject)));
    }

    [Fact]
    public async Task An_object_that_was_cut_off_is_found()
    {
        string key = await _world.ProduceAsync(_topic[0], "some text");
        await ReplaceAsync(key, (await Store.GetAsync(key, Cancellation))[..^10]);
        Assert.Contains(
            (FindingKind.DamagedObject, key), (await _world.VerifyAsync()).Select(static finding => (finding.Kind, finding.Subject)));
    }

    [Theory]
    [InlineData(0, 0, 2, true)]
    [InlineData(1, 0, 2, false)]
    [InlineData(0, 1, 2, false)]
    [InlineData(0, -1, 2, false)]
    [InlineData(0, 0, 3, false)]
    [InlineData(0, 0, 1, false)]
    [InlineData(0, 5000, 2, false)]
    [InlineData(-8, 8, 2, false)]
    public async Task A_run_must_be_where_its_batches_are_and_have_their_offsets(int moved, int longer, int offsets, bool right)
    {
        ObjectCommit commit = await PutAsync(_topic[0], SampleBatches.Build("a", "b"));
        BatchToCommit batch = commit.Batches[0];
        batch = batch with { Position = batch.Position + moved, Length = batch.Length + longer, OffsetCount = offsets };
        await CommitAsync(commit with { Batches = [batch] });

        await AssertFindsAsync(right ? [] : [FindingKind.WrongExtent]);
    }

    [Fact]
    public async Task A_run_must_be_of_its_own_partition()
    {
        ObjectCommit commit = await PutAsync(_topic[0], SampleBatches.Build("a", "b"));
        int shard = _world.Streams.Region.ShardOf(_topic[0]);
        TopicPartition other = _topic.Skip(1).First(partition => _world.Streams.Region.ShardOf(partition) == shard);
        await CommitAsync(commit with { Batches = [commit.Batches[0] with { Partition = other }] });

        await AssertFindsAsync(FindingKind.WrongExtent);
    }

    [Theory]
    [InlineData("UPDATE object SET live_shards = live_shards | 1024", FindingKind.WrongShards)]
    [InlineData("UPDATE object SET live_shards = 0", FindingKind.WrongShards)]
    [InlineData("UPDATE object SET state = 'deleting'", FindingKind.UnprotectedObject)]
    [InlineData("UPDATE object SET size = size + 1", FindingKind.DamagedObject)]
    public async Task A_row_that_says_something_else_than_the_sequencers_and_the_store_is_found(string sql, FindingKind kind)
    {
        await _world.ProduceAsync(_topic[0], "a");
        await ChangeRowsAsync(sql);
        await AssertFindsAsync(kind);
    }

    [Fact]
    public async Task An_object_in_use_that_has_no_row_is_found()
    {
        await _world.ProduceAsync(_topic[0], "a");
        await ChangeRowsAsync("DELETE FROM object");
        _world.Time.Advance(TimeSpan.FromHours(1));
        await AssertFindsAsync(FindingKind.UnprotectedObject, FindingKind.UnreferencedObject);
    }

    [Fact]
    public async Task An_object_that_the_journal_does_not_know_is_found_once_it_is_old()
    {
        await Store.AddAsync(_world.Keys.Object(1, ObjectId.Mint(_world.Time.GetUtcNow(), new Random(1))), []);
        await Store.AddAsync("l0/notes.txt", []);
        await AssertFindsAsync(FindingKind.ForeignObject);
        _world.Time.Advance(TimeSpan.FromHours(1));
        await AssertFindsAsync(FindingKind.UnreferencedObject, FindingKind.ForeignObject);
    }

    [Fact]
    public async Task A_row_that_nobody_needs_and_whose_object_is_gone_is_found()
    {
        string key = await _world.ProduceAsync(_topic[0], "a");
        await _world.DeleteTopicAsync(_topic[0]);
        await Store.DeleteAsync([key], Cancellation);
        await AssertFindsAsync(FindingKind.RowWithoutObject);
    }

    [Fact]
    public async Task Beside_nodes_what_is_written_between_two_readings_is_no_fault()
    {
        await _world.ProduceAsync(_topic[0], "a");
        Func<Task> write = async () => await _world.ProduceAsync(_topic[1], "b");

        // The extents have been read, the rows have not: to a single look the new row names shards that have nothing in its object.
        _world.Streams.Journal.BeforeListing = write;
        Assert.Contains(FindingKind.WrongShards, (await _world.VerifyAsync()).Select(static finding => finding.Kind));

        _world.Streams.Journal.BeforeListing = write;
        Assert.Empty(await VerifyBesideNodesAsync());
    }

    [Fact]
    public async Task Beside_nodes_an_object_that_is_collected_between_two_readings_is_no_fault()
    {
        foreach (bool again in (bool[])[false, true])
        {
            TopicPartition[] doomed = await _world.Streams.OpenTopicAsync(1);
            await _world.ProduceAsync(doomed[0], "a");
            _world.Streams.Journal.BeforeListing = async () =>
            {
                await _world.DeleteTopicAsync(doomed[0]);
                _world.Time.Advance(TimeSpan.FromHours(1));
                Assert.NotEmpty(await _world.SweepAsync());
            };
            if (again)
                Assert.Empty(await VerifyBesideNodesAsync());
            else
                Assert.Contains(FindingKind.UnprotectedObject, (await _world.VerifyAsync()).Select(static finding => finding.Kind));
        }
    }

    [Fact]
    public async Task Beside_nodes_every_fault_is_found_that_is_one()
    {
        string missing = await _world.ProduceAsync(_topic[0], "a");
        string damaged = await _world.ProduceAsync(_topic[1], "b");
        await _world.ProduceAsync(_topic[2], "c");
        await ReplaceAsync(damaged, (await Store.GetAsync(damaged, Cancellation))[..^10]);
        await Store.DeleteAsync([missing], Cancellation);
        await Store.AddAsync("l0/notes.txt", []);
        await ChangeRowsAsync("UPDATE object SET live_shards = live_shards | 1024 WHERE object_id = (SELECT max(object_id) FROM object)");

        List<VerificationFinding> findings = await VerifyBesideNodesAsync();

        Assert.Contains((FindingKind.MissingObject, missing), findings.Select(static finding => (finding.Kind, finding.Subject)));
        Assert.Contains((FindingKind.DamagedObject, damaged), findings.Select(static finding => (finding.Kind, finding.Subject)));
        Assert.Contains((FindingKind.ForeignObject, "l0/notes.txt"), findings.Select(static finding => (finding.Kind, finding.Subject)));
        Assert.Contains(FindingKind.WrongShards, findings.Select(static finding => finding.Kind));
        Assert.Equal(findings.Count, findings.Distinct().Count());
    }

    [Fact]
    public async Task Beside_nodes_an_object_that_was_never_committed_is_left_to_the_collector_for_a_while()
    {
        await Store.AddAsync(_world.Keys.Object(1, ObjectId.Mint(_world.Time.GetUtcNow(), new Random(1))), []);
        _world.Time.Advance(TimeSpan.FromHours(1));
        await AssertFindsAsync(FindingKind.UnreferencedObject);
        Assert.Empty(await VerifyBesideNodesAsync());
        _world.Time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(FindingKind.UnreferencedObject, Assert.Single(await VerifyBesideNodesAsync()).Kind);
    }

    private async Task<List<VerificationFinding>> VerifyBesideNodesAsync()
    {
        var findings = new List<VerificationFinding>();
        var verifier = new StoreVerifier(_world.Streams.Journal, Store, _world.Keys, CollectionWorld.Times);
        VerificationResult result = await verifier.RunBesideNodesAsync(findings.Add, Cancellation);
        Assert.Equal(findings.Count, result.Findings);
        return findings;
    }

    private async Task AssertFindsAsync(params FindingKind[] kinds)
    {
        List<VerificationFinding> findings = await _world.VerifyAsync();
        Assert.True(
            kinds.Order().SequenceEqual(findings.Select(static finding => finding.Kind).Order()),
            $"expected {string.Join(", ", kinds)}, found {string.Join("\n", findings)}");
        Assert.All(findings, static finding => Assert.NotEmpty(finding.Problem));
    }

    /// <summary>One object with a batch for each partition.</summary>
    private async Task ProduceToAllAsync(int round)
    {
        byte[] bytes = SampleBatches.Build($"{round}", "x");
        PendingBatch[] batches = [.. _topic.Select(partition => _world.Streams.Batches.Pending(partition, bytes))];
        _world.Streams.Produce(batches);
        foreach (PendingBatch batch in batches)
            Assert.Equal(ErrorCode.None, (await StreamsWorld.AnswerAsync(batch)).Error);
    }

    private async Task ReplaceAsync(string key, byte[] bytes)
    {
        await Store.DeleteAsync([key], Cancellation);
        await Store.AddAsync(key, [bytes]);
    }

    /// <summary>Puts an object with one batch, and makes the commit that would belong to it.</summary>
    private async Task<ObjectCommit> PutAsync(TopicPartition partition, byte[] batch)
    {
        var id = ObjectId.Mint(_world.Time.GetUtcNow(), new Random(1));
        ClusterRecord cluster = await _world.Streams.Journal.ReadClusterAsync(Cancellation);
        using EncodedObject encoded = ObjectWriter.Encode(
            id, id.Time, cluster.ClusterId, [new BatchToWrite(partition.TopicId, partition.Partition, batch, 2, 1_790_000_000_000)]);
        await Store.AddAsync(_world.Keys.Object(0, id), [.. encoded.Content]);
        return new ObjectCommit
        {
            ObjectId = id,
            SizeBytes = encoded.Length,
            Node = new NodeIncarnation(77, 1),
            Number = 1,
            PreviousNumber = 0,
            Batches = [new BatchToCommit(partition, encoded.Positions[0], batch.Length, 2, 1_790_000_000_000, -1, -1, -1)],
        };
    }

    private async Task CommitAsync(ObjectCommit commit)
    {
        CommitReply reply = await Actors.JournaledNode.AskAsync(
            _world.Streams.Region.SequencerOf(commit.Batches[0].Partition),
            (Warp.Actors.Kernel.Reply<CommitReply> answer) => new SequencerMessage.Commit(commit, answer));
        Assert.Equal(ErrorCode.None, Assert.Single(reply.Batches).Answer.Error);
    }

    private Task ChangeRowsAsync(string sql) => _world.Streams.RestartAsync(async path =>
    {
        var settings = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false };
        await using var connection = new SqliteConnection(settings.ToString());
        await connection.OpenAsync(Cancellation);
        await using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Cancellation);
    });
}

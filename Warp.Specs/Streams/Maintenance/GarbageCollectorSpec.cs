using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Maintenance;

/// <summary>What the collector deletes, and when.</summary>
public sealed class GarbageCollectorSpec : IAsyncLifetime
{
    private static readonly TimeSpan s_grace = CollectionWorld.Times.CollectionGrace;
    private static readonly TimeSpan s_orphanAge = CollectionWorld.Times.CommitDeadline + s_grace;
    private static readonly TimeSpan s_instant = TimeSpan.FromMilliseconds(1);

    private CollectionWorld _world = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ScriptedObjectStore Store => _world.Streams.Store;

    public async ValueTask InitializeAsync() => _world = await CollectionWorld.StartAsync();

    public async ValueTask DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task An_object_goes_when_the_grace_has_passed_since_its_last_record_went()
    {
        TopicPartition[] topic = await _world.Streams.OpenTopicAsync(2);
        string first = await _world.ProduceAsync(topic[0], "a");
        string second = await _world.ProduceAsync(topic[0], "b");
        _world.Time.Advance(TimeSpan.FromHours(1));
        await _world.DeleteRecordsAsync(topic[0], 1);

        _world.Time.Advance(s_grace - s_instant);
        Assert.Empty(await _world.SweepAsync());
        _world.Time.Advance(s_instant);
        Assert.Equal([$"Released {first}"], await _world.SweepAsync());

        Assert.Equal([second], await Store.KeysAsync());
        Assert.Equal(["b"], FlushPipelineSpec.Values(await _world.Streams.ReadLogAsync(topic[0])));
        Assert.Empty(await _world.SweepAsync());
        Assert.Empty(await _world.VerifyAsync());
    }

    [Fact]
    public async Task An_object_stays_as_long_as_one_of_the_shards_needs_it()
    {
        TopicPartition[] topic = await _world.Streams.OpenTopicAsync(4);
        TopicPartition[] other = await _world.Streams.OpenTopicAsync(4);
        byte[] bytes = SampleBatches.Build("x");
        PendingBatch[] batches = [.. topic.Concat(other).Select(partition => _world.Streams.Batches.Pending(partition, bytes))];
        _world.Streams.Produce(batches);
        foreach (PendingBatch batch in batches)
            Assert.Equal(ErrorCode.None, (await StreamsWorld.AnswerAsync(batch)).Error);
        string key = Assert.Single(await Store.KeysAsync());

        // Each shard drops its last record when both topics are gone from it; the four of them at the same moment.
        await Task.WhenAll(topic.Select(_world.DeleteTopicAsync));
        _world.Time.Advance(s_grace);
        Assert.Empty(await _world.SweepAsync());
        await Task.WhenAll(other.Select(_world.DeleteTopicAsync));
        Assert.Empty(await _world.SweepAsync());
        _world.Time.Advance(s_grace);

        Assert.Equal([$"Released {key}"], await _world.SweepAsync());
        Assert.Empty(await Store.KeysAsync());
    }

    [Fact]
    public async Task An_object_that_was_never_committed_goes_when_no_commit_of_it_can_be_accepted_any_more()
    {
        TopicPartition[] topic = await _world.Streams.OpenTopicAsync(1);
        string needed = await _world.ProduceAsync(topic[0], "a");
        string orphan = await AddOrphanAsync(level: 0);
        string higher = await AddOrphanAsync(level: 2);
        await Store.AddAsync("l0/notes.txt", []);

        _world.Time.Advance(s_orphanAge);
        Assert.Empty(await _world.SweepAsync());
        _world.Time.Advance(s_instant);
        Assert.Empty(await _world.SweepAsync(listStore: false));
        Assert.Equal([$"Orphaned {orphan}", $"Orphaned {higher}"], await _world.SweepAsync());

        Assert.Equal([needed, "l0/notes.txt"], await Store.KeysAsync());
        Assert.Empty(await _world.SweepAsync());
    }

    [Fact]
    public async Task An_object_that_was_put_long_after_its_id_was_made_is_as_young_as_its_file()
    {
        var id = ObjectId.Mint(_world.Time.GetUtcNow(), new Random(1));
        _world.Time.Advance(s_orphanAge * 2);
        await Store.AddAsync(_world.Keys.Object(0, id), []);

        Assert.Empty(await _world.SweepAsync());
        _world.Time.Advance(s_orphanAge + s_instant);
        Assert.Single(await _world.SweepAsync());
    }

    /// <summary>The commit is on its way to the database while the collector goes through the store.</summary>
    [Fact]
    public async Task A_commit_that_is_paused_until_the_collector_has_come_first_is_refused_and_sent_again_in_order()
    {
        TopicPartition[] topic = await _world.Streams.OpenTopicAsync(1);
        await _world.Streams.ProduceAsync(topic[0], SampleBatches.Build(7, 0, 0, "a"));
        string first = Assert.Single(await Store.KeysAsync());
        _world.Streams.Journal.HoldAppends();
        PendingBatch paused = _world.Streams.Produce(topic[0], SampleBatches.Build(7, 0, 1, "b"));
        await Wait.UntilAsync(() => Store.KeysAsync().Result.Count == 2, StreamsWorld.Patience, "the object");
        string orphan = (await Store.KeysAsync()).Single(key => key != first);
        PendingBatch behind = _world.Streams.Produce(topic[0], SampleBatches.Build(7, 0, 2, "c"));
        await Wait.UntilAsync(() => Store.KeysAsync().Result.Count == 3, StreamsWorld.Patience, "the next object");

        _world.Time.Advance(s_orphanAge + s_instant);
        List<string> collected = await _world.SweepAsync();
        Assert.Contains($"Orphaned {orphan}", collected);
        _world.Streams.Journal.ReleaseAppends();

        // Whoever asked for the commit has lost patience meanwhile, and asks again after a while.
        await _world.Time.AdvanceUntilAsync(Task.WhenAll(paused.Answer, behind.Answer), TimeSpan.FromMilliseconds(100));
        Assert.Equal(BatchAnswer.Failed(ErrorCode.KafkaStorageError), await paused.Answer);
        Assert.Equal(BatchAnswer.Failed(ErrorCode.KafkaStorageError), await behind.Answer);
        Assert.Equal(new BatchAnswer(ErrorCode.None, 1, 0), await _world.Streams.ProduceAsync(topic[0], SampleBatches.Build(7, 0, 1, "b")));
        Assert.Equal(new BatchAnswer(ErrorCode.None, 2, 0), await _world.Streams.ProduceAsync(topic[0], SampleBatches.Build(7, 0, 2, "c")));
        Assert.Equal(["a", "b", "c"], FlushPipelineSpec.Values(await _world.Streams.ReadLogAsync(topic[0])));
        Assert.Empty(await _world.VerifyAsync());
    }

    /// <summary>Clocks that are wrong may let the collector try too early. The row decides, whichever comes first.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_a_commit_and_the_tombstone_of_its_object_the_first_wins(bool tombstoneFirst)
    {
        TopicPartition[] topic = await _world.Streams.OpenTopicAsync(1);
        await _world.Streams.ProduceAsync(topic[0], SampleBatches.Build(7, 0, 0, "a"));
        string first = Assert.Single(await Store.KeysAsync());
        if (tombstoneFirst)
            _world.Streams.Journal.HoldAppends();
        PendingBatch batch = _world.Streams.Produce(topic[0], SampleBatches.Build(7, 0, 1, "b"));
        await Wait.UntilAsync(() => Store.KeysAsync().Result.Count == 2, StreamsWorld.Patience, "the object");
        Assert.True(_world.Keys.TryParseObject((await Store.KeysAsync()).Single(key => key != first), out _, out ObjectId id));
        if (!tombstoneFirst)
            await StreamsWorld.AnswerAsync(batch);

        Fence fence = _world.Streams.Node.Leases.FenceOf(ShardIds.Collection)!.Value;
        IReadOnlyList<ObjectId> won = await _world.Streams.Journal.InsertDeletingAsync(fence, [new OrphanObject(id, 1, 0)], Cancellation);
        if (tombstoneFirst)
            _world.Streams.Journal.ReleaseAppends();

        ErrorCode expected = tombstoneFirst ? ErrorCode.KafkaStorageError : ErrorCode.None;
        Assert.Equal(expected, (await StreamsWorld.AnswerAsync(batch)).Error);
        Assert.Equal(tombstoneFirst ? [id] : [], won);
        Assert.Equal(1, (await _world.Streams.ProduceAsync(topic[0], SampleBatches.Build(7, 0, 1, "b"))).BaseOffset);
        Assert.Equal(["a", "b"], FlushPipelineSpec.Values(await _world.Streams.ReadLogAsync(topic[0])));
        await _world.SweepAsync(listStore: false);
        Assert.Empty(await _world.VerifyAsync());
    }

    [Fact]
    public async Task A_deletion_that_the_store_or_the_end_of_the_process_cut_short_is_finished()
    {
        TopicPartition[] topic = await _world.Streams.OpenTopicAsync(1);
        string key = await _world.ProduceAsync(topic[0], "a");
        await _world.DeleteTopicAsync(topic[0]);
        _world.Time.Advance(s_grace);
        Store.DeleteFailure = () => new ObjectStoreException(Store.Description, null, "Come again.", isTransient: true);
        await Assert.ThrowsAsync<ObjectStoreException>(() => _world.SweepAsync());
        Assert.Equal([key], await Store.KeysAsync());
        Assert.Equal([$"Unfinished {key}"], await _world.RehearseAsync());

        await _world.Streams.RestartAsync();
        Store.DeleteFailure = null;

        Assert.Equal([$"Unfinished {key}"], await _world.SweepAsync());
        Assert.Empty(await Store.KeysAsync());
        Assert.Empty(await _world.VerifyAsync());
    }

    [Fact]
    public async Task An_upload_that_lands_after_its_object_was_deleted_is_deleted_again_and_the_tombstone_goes_after_its_time()
    {
        string key = await AddOrphanAsync(level: 0);
        _world.Time.Advance(s_orphanAge + s_instant);
        Assert.Single(await _world.SweepAsync());
        await Store.AddAsync(key, []);
        _world.Time.Advance(s_orphanAge + s_instant);

        Assert.Equal([$"Unfinished {key}"], await _world.SweepAsync());
        Assert.Empty(await Store.KeysAsync());
        Assert.Equal(ObjectState.Deleting, Assert.Single(await _world.RowsAsync()).State);

        // One that is later still goes with the tombstone.
        await Store.AddAsync(key, []);
        _world.Time.Advance(CollectionWorld.Times.TombstoneLife);
        await _world.SweepAsync(listStore: false);
        Assert.Empty(await Store.KeysAsync());
        Assert.Empty(await _world.RowsAsync());
    }

    [Fact]
    public async Task A_rehearsal_tells_what_a_sweep_then_deletes_and_changes_nothing()
    {
        TopicPartition[] topic = await _world.Streams.OpenTopicAsync(1);
        for (int i = 0; i < 5; i++)
            await _world.ProduceAsync(topic[0], $"{i}");
        await _world.DeleteRecordsAsync(topic[0], 3);
        await AddOrphanAsync(level: 0);
        await AddOrphanAsync(level: 1);
        _world.Time.Advance(s_orphanAge + s_instant);
        List<string> keys = await Store.KeysAsync();
        IReadOnlyList<ObjectRow> rows = await _world.RowsAsync();

        List<string> told = await _world.RehearseAsync();
        Assert.Equal(5, told.Count);
        Assert.Equal(keys, await Store.KeysAsync());
        Assert.Equal(rows, await _world.RowsAsync());
        Assert.Equal(told, await _world.SweepAsync());
    }

    [Fact]
    public async Task Nothing_is_deleted_with_an_older_copy_of_the_journal()
    {
        TopicPartition[] topic = await _world.Streams.OpenTopicAsync(1);
        await _world.ProduceAsync(topic[0], "old");
        string? copy = null;
        await _world.Streams.RestartAsync(path =>
        {
            File.Copy(path, copy = path + ".copy");
            return Task.CompletedTask;
        });
        await _world.Lineage().RaiseAsync(Cancellation);
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        await _world.ProduceAsync(topic[0], "new");
        List<string> keys = await Store.KeysAsync();
        await _world.Streams.RestartAsync(path =>
        {
            File.Copy(copy!, path, overwrite: true);
            return Task.CompletedTask;
        });
        await _world.DeleteTopicAsync(topic[0]);
        _world.Time.Advance(TimeSpan.FromDays(2));

        LineageException error = await Assert.ThrowsAsync<LineageException>(() => _world.SweepAsync());
        Assert.Contains("older copy", error.Message);
        await Assert.ThrowsAsync<LineageException>(_world.RehearseAsync);

        Assert.Equal(keys, await Store.KeysAsync());
        Assert.All(await _world.RowsAsync(), static row => Assert.Equal(ObjectState.Live, row.State));
        Assert.Contains(FindingKind.LineageMismatch, (await _world.VerifyAsync()).Select(static finding => finding.Kind));
    }

    [Fact]
    public async Task Nothing_is_deleted_from_the_store_of_another_cluster()
    {
        TopicPartition[] topic = await _world.Streams.OpenTopicAsync(1);
        await _world.ProduceAsync(topic[0], "a");
        await AddOrphanAsync(level: 0);
        List<string> keys = await Store.KeysAsync();
        _world.Time.Advance(s_orphanAge * 2);
        string folder = Directory.CreateTempSubdirectory("warp-journal-").FullName;
        var cluster = new ClusterRecord("another-cluster-22-chr", 5, StoreBound: true, ShardIds.Count, EntityHash.Name, 1);
        SqliteJournal journal = await SqliteJournal.OpenAsync(Path.Combine(folder, "journal.db"), cluster, _world.Time);
        NodeIncarnation node = await journal.RegisterNodeAsync(null, Cancellation);
        Fence fence = Assert.Single(await journal.TakeOverAsync(node, [ShardIds.Collection], TimeSpan.FromMinutes(1), Cancellation));

        GarbageCollector collector = _world.Collector(journal, () => fence);
        LineageException error = await Assert.ThrowsAsync<LineageException>(
            () => collector.SweepAsync(listStore: true, static _ => { }, Cancellation));

        Assert.Contains("belongs to cluster", error.Message);
        Assert.Equal(keys, await Store.KeysAsync());
        Assert.Empty(await journal.ListObjectsAsync(ObjectRowKind.All, TimeSpan.Zero, null, 10, Cancellation));
        await journal.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_collector_that_has_lost_its_shard_deletes_nothing()
    {
        TopicPartition[] topic = await _world.Streams.OpenTopicAsync(1);
        string key = await _world.ProduceAsync(topic[0], "a");
        await _world.DeleteTopicAsync(topic[0]);
        _world.Time.Advance(s_grace);

        GarbageCollector ousted = _world.Collector(fence: static () => null);
        await Assert.ThrowsAsync<OwnershipLostException>(() => ousted.SweepAsync(true, static _ => { }, Cancellation));
        GarbageCollector unaware = _world.Collector(fence: static () => new Fence(ShardIds.Collection, 0));
        Assert.Equal(0, (await unaware.SweepAsync(true, static _ => { }, Cancellation)).Objects);

        Assert.Equal([key], await Store.KeysAsync());
    }

    [Fact]
    public async Task Uploads_that_nobody_ends_are_given_up()
    {
        await Store.StartUploadAsync("l1/ab/x", Cancellation);
        Assert.Equal(0, (await _world.Collector().SweepAsync(true, static _ => { }, Cancellation)).Uploads);
        _world.Time.Advance(s_grace * 5);
        Assert.Equal(0, (await _world.Collector().SweepAsync(false, static _ => { }, Cancellation)).Uploads);
        Assert.Equal(1, (await _world.Collector().SweepAsync(true, static _ => { }, Cancellation)).Uploads);
    }

    [Fact]
    public async Task Deletions_are_paced()
    {
        TopicPartition[] topic = await _world.Streams.OpenTopicAsync(1);
        for (int i = 0; i < 25; i++)
            await _world.ProduceAsync(topic[0], $"{i}");
        await _world.DeleteTopicAsync(topic[0]);
        _world.Time.Advance(s_grace);
        var collector = new GarbageCollector(
            new CollectorServices(
                _world.Streams.Journal, Store, _world.Keys, _world.Lineage(), CollectionWorld.Times, _world.Time, DeletesPerSecond: 10),
            () => _world.Streams.Node.Leases.FenceOf(ShardIds.Collection));
        DateTimeOffset start = _world.Time.GetUtcNow();

        Task<SweepResult> sweep = collector.SweepAsync(listStore: false, static _ => { }, Cancellation);
        await Wait.UntilAsync(() => Store.KeysAsync().Result.Count == 15, StreamsWorld.Patience, "the first ten deletions");
        await _world.Time.AdvanceUntilAsync(sweep, TimeSpan.FromMilliseconds(100));

        Assert.Equal(25, (await sweep).Objects);
        Assert.InRange(_world.Time.GetUtcNow() - start, TimeSpan.FromSeconds(2.5), TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task Without_garbage_a_sweep_asks_the_store_for_nothing()
    {
        TopicPartition[] topic = await _world.Streams.OpenTopicAsync(1);
        await _world.ProduceAsync(topic[0], "a");
        long before = (await _world.Streams.Journal.ReadClusterAsync(Cancellation)).Lineage;

        await _world.SweepAsync(listStore: false);
        Assert.Equal(before, (await _world.Streams.Journal.ReadClusterAsync(Cancellation)).Lineage);
        await _world.SweepAsync(listStore: true);
        Assert.Equal(before + 1, (await _world.Streams.Journal.ReadClusterAsync(Cancellation)).Lineage);
    }

    private async Task<string> AddOrphanAsync(int level)
    {
        string key = _world.Keys.Object(level, ObjectId.Mint(_world.Time.GetUtcNow(), new Random(level)));
        await Store.AddAsync(key, [new byte[10]]);
        return key;
    }
}

using System.Reflection;
using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;
using EventSpecs = Warp.Actors.Catalog.EventSpecs;

namespace Warp.Specs.Actors.Catalog;

/// <summary>The catalog on a real journal, with real sequencers.</summary>
public sealed class TopicCatalogSpec : IAsyncLifetime
{
    private static readonly EventCodec s_codec = new(EventSpecs.All);

    private JournaledNode _node = null!;
    private ActorRef<CatalogMessage> _catalog = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private CatalogImage Image => _node.Published.Current;

    public async ValueTask InitializeAsync()
    {
        _node = await JournaledNode.StartAsync(shards: 4);
        _catalog = _node.StartCatalog();
    }

    public async ValueTask DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task A_topic_is_answered_and_shown_once_all_its_partitions_can_be_written()
    {
        TopicResult result = await CreateAsync("events", partitions: 9);

        Assert.Equal(ErrorCode.None, result.Error);
        TopicImage topic = Image.Find("events")!;
        Assert.Equal((topic.Id, 9), (result.Topic!.Id, topic.OpenPartitionCount));
        for (int i = 0; i < 9; i++)
            Assert.Equal(ErrorCode.None, (await _node.ReadAsync(new TopicPartition(topic.Id, i), 0)).Ends.Error);
    }

    [Fact]
    public async Task Nothing_is_published_before_it_is_journaled_nor_shown_before_it_is_open()
    {
        await ChangeRoutingAsync(1);
        _node.Journal.HoldAppends();
        Task<TopicResult> creation = CreateAsync("events");
        await Wait.UntilAsync(() => _node.Commits.Writes >= 2, JournaledNode.Patience, "the write");
        Assert.Empty(Image.ById);
        _node.Journal.FailNext(AppendFault.RolledBack, IsOfSequencer);
        _node.Journal.FailNext(AppendFault.RolledBack, IsOfSequencer);
        _node.Journal.ReleaseAppends();

        await Wait.UntilAsync(
            () =>
            {
                TopicImage? shown = Image.Find("events");
                bool open = _node.Journal.Appends.Any(static writes => writes.Any(IsTopicOpened));
                Assert.True(shown is null || open);
                return creation.IsCompleted;
            },
            JournaledNode.Patience,
            "the topic");
        Assert.Equal(ErrorCode.None, (await creation).Error);
    }

    [Fact]
    public async Task Each_topic_of_a_request_succeeds_or_fails_by_itself()
    {
        await CreateAsync("taken");

        TopicResult[] results = await CreateAllAsync(
            false, New("a"), New("taken"), New("a"), New("bad name"), New("b", partitions: 0), New("c"));

        Assert.Equal(
            [
                ErrorCode.None,
                ErrorCode.TopicAlreadyExists,
                ErrorCode.TopicAlreadyExists,
                ErrorCode.InvalidTopicException,
                ErrorCode.InvalidPartitions,
                ErrorCode.None,
            ],
            results.Select(static result => result.Error));
        Assert.Equal(["a", "c", "taken"], Image.ByName.Keys);
    }

    [Fact]
    public async Task Validating_changes_nothing()
    {
        Assert.Equal(ErrorCode.None, Assert.Single(await CreateAllAsync(true, New("a"))).Error);
        Assert.Empty(Image.ById);
        await CreateAsync("events", partitions: 2);

        Assert.Equal(ErrorCode.None, (await GrowAsync("events", 5, validateOnly: true)).Error);
        Assert.Equal(ErrorCode.None, (await AlterAsync("events", "7", validateOnly: true)).Error);

        Assert.Equal((2, 604_800_000L), (Image.Find("events")!.PartitionCount, Image.Find("events")!.Config.RetentionMs));
    }

    [Fact]
    public async Task A_change_that_the_journal_refuses_fails_and_can_be_repeated()
    {
        _node.Journal.FailNext(AppendFault.RolledBack, IsOfCatalog);
        await Assert.ThrowsAsync<JournalException>(() => CreateAsync("events"));
        Assert.Empty(Image.ById);

        Assert.Equal(ErrorCode.None, (await CreateAsync("events")).Error);
    }

    [Fact]
    public async Task A_confirmation_that_the_journal_refuses_is_written_later()
    {
        _node.Journal.FailNext(AppendFault.RolledBack, IsTopicOpened);
        Assert.Equal(ErrorCode.None, (await CreateAsync("events")).Error);

        _node.Journal.FailNext(
            AppendFault.RolledBack, static write => write.Events.Any(static e => e.Kind == TopicDeletionFinished.KindId));
        await DeleteAsync("events");

        await Wait.UntilAsync(() => Image.ById.IsEmpty, JournaledNode.Patience, "the deletion to be finished");
    }

    [Fact]
    public async Task A_topic_whose_opening_was_cut_short_by_a_restart_is_opened_again()
    {
        var id = new Guid("00112233-4455-6677-8899-aabbccddeeff");
        await RestartWithAsync(new TopicCreated { TopicId = id, Name = "events", PartitionCount = 6, ReplicationFactor = 1 });

        await Wait.UntilAsync(() => Image.Find("events") is not null, JournaledNode.Patience, "the topic");

        Assert.Equal(6, Image.Find(id)!.OpenPartitionCount);
        Assert.Equal(ErrorCode.None, (await _node.ReadAsync(new TopicPartition(id, 5), 0)).Ends.Error);
    }

    [Fact]
    public async Task A_deletion_that_was_cut_short_by_a_restart_goes_on()
    {
        await CreateAsync("events", partitions: 6);
        Guid id = Image.Find("events")!.Id;
        await RestartWithAsync(new TopicDeleted { TopicId = id });

        await Wait.UntilAsync(() => !Image.ById.ContainsKey(id) && Image.RoutingGeneration == 0, JournaledNode.Patience, "the deletion");

        for (int i = 0; i < 6; i++)
            Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await _node.ReadAsync(new TopicPartition(id, i), 0)).Ends.Error);
    }

    [Fact]
    public async Task A_deletion_is_repeated_until_every_sequencer_has_confirmed_it()
    {
        await CreateAsync("events", partitions: 6);
        Guid id = Image.Find("events")!.Id;
        for (int i = 0; i < 5; i++)
            _node.Journal.FailNext(i % 2 == 0 ? AppendFault.RolledBack : AppendFault.LostButUnknown, IsOfSequencer);

        Assert.Equal(ErrorCode.None, (await DeleteAsync("events")).Error);
        Assert.Null(Image.Find("events"));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await DeleteAsync(id)).Error);
        await Wait.UntilAsync(() => Image.ById.IsEmpty, JournaledNode.Patience, "the deletion to be finished");

        for (int i = 0; i < 6; i++)
            Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await _node.ReadAsync(new TopicPartition(id, i), 0)).Ends.Error);
    }

    [Fact]
    public async Task A_topic_that_is_deleted_while_it_is_opened_answers_its_maker()
    {
        for (int i = 0; i < 4; i++)
            _node.Journal.FailNext(AppendFault.RolledBack, IsOfSequencer);
        Task<TopicResult> creation = CreateAsync("events", partitions: 6);
        await Wait.UntilAsync(() => Image.ByName.ContainsKey("events"), JournaledNode.Patience, "the topic to be journaled");

        // A write that shares its transaction with one that is rolled back goes with it: then the deletion is asked for again.
        Guid id = Image.ByName["events"].Id;
        for (int i = 0; !await IsDeletedAsync(); i++)
            Assert.InRange(i, 0, 3);

        Assert.Contains((await creation).Error, (ErrorCode[])[ErrorCode.UnknownTopicOrPartition, ErrorCode.None]);
        await Wait.UntilAsync(() => Image.ById.IsEmpty, JournaledNode.Patience, "the deletion to be finished");

        async Task<bool> IsDeletedAsync()
        {
            try
            {
                return (await DeleteAsync(id)).Error == ErrorCode.None;
            }
            catch (JournalException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task A_topic_grows_and_a_late_confirmation_of_its_former_size_does_not_shrink_it()
    {
        await CreateAsync("events", partitions: 2);
        Guid id = Image.Find("events")!.Id;

        Task<TopicResult> growth = GrowAsync("events", 5);
        _catalog.Tell(Opened(id, 2));

        Assert.Equal(5, (await growth).Topic!.OpenPartitionCount);
        _catalog.Tell(Opened(id, 2));
        await ChangeRoutingAsync(1, 2);
        Assert.Equal((5, 5), (Image.Find("events")!.PartitionCount, Image.Find("events")!.OpenPartitionCount));
        Assert.Equal(ErrorCode.None, (await _node.ReadAsync(new TopicPartition(id, 4), 0)).Ends.Error);
        Assert.Equal(ErrorCode.None, (await GrowAsync("events", 6)).Error);
    }

    [Fact]
    public async Task Two_hundred_creations_at_once_make_each_topic_once()
    {
        TopicResult[] results = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => CreateAsync($"topic-{i % 100}", partitions: 2)));

        Assert.Equal(100, results.Count(static result => result.Error == ErrorCode.None));
        Assert.Equal(100, results.Count(static result => result.Error == ErrorCode.TopicAlreadyExists));
        Assert.Equal(100, Image.ById.Count);
        Assert.All(Image.ById.Values, static topic => Assert.Equal(2, topic.OpenPartitionCount));
        CatalogImage before = Image;
        await RestartAsync();
        Assert.Equal(
            before.ByName.Select(static pair => (pair.Key, pair.Value.Id)), Image.ByName.Select(static pair => (pair.Key, pair.Value.Id)));
    }

    [Fact]
    public async Task The_routing_generation_only_rises_and_only_with_a_change()
    {
        Assert.Equal(1, await ChangeRoutingAsync(1));
        Assert.Equal(1, await ChangeRoutingAsync(1));
        Assert.Equal(2, await ChangeRoutingAsync(1, 2));
        await RestartAsync();
        Assert.Equal(2, await ChangeRoutingAsync(1, 2));
        _node.Journal.FailNext(AppendFault.CommittedButUnknown, IsOfCatalog);
        await Assert.ThrowsAsync<ActorStoppedException>(() => ChangeRoutingAsync(1));
        Assert.Equal(3, await ChangeRoutingAsync(1));
        Assert.Equal(4, await ChangeRoutingAsync(1, 2));
    }

    [Fact]
    public async Task Producer_ids_are_never_given_out_twice_whatever_becomes_of_the_writes()
    {
        var random = new Random(TestRun.TakeSeed());
        var given = new List<(long First, int Count)>();
        for (int i = 0; i < 60; i++)
        {
            AppendFault fault = (AppendFault)random.Next(8);
            if (fault is > AppendFault.None and <= AppendFault.Throws)
                _node.Journal.FailNext(fault, IsOfCatalog);
            if (i % 20 == 19)
                await RestartAsync();
            int count = random.Next(1, 1000);
            try
            {
                given.Add((await AskAsync((Reply<long> reply) => new CatalogMessage.ReserveProducerIds(count, reply)), count));
            }
            catch (Exception error) when (error is ActorStoppedException or JournalException)
            {
                // The block may be lost; that is the price of never giving it out twice.
            }
        }

        Assert.True(given.Count > 10);
        for (int i = 1; i < given.Count; i++)
            Assert.True(given[i].First >= given[i - 1].First + given[i - 1].Count);
    }

    [Fact]
    public async Task Configs_are_altered_as_a_whole_and_kept()
    {
        await CreateAsync("events");

        Assert.Equal(ErrorCode.None, (await AlterAsync("events", "77")).Error);
        Assert.Equal(ErrorCode.InvalidConfig, (await AlterAsync("events", "soon")).Error);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await AlterAsync("nothing", "77")).Error);
        TopicResult broker = await AskAsync((Reply<TopicResult> reply) => new CatalogMessage.AlterBrokerConfigs(
            CatalogImage.AllNodes,
            ConfigRevision.Alter(new ConfigAlteration("log.segment.bytes", ConfigOperation.Set, "2097152")),
            false,
            reply));
        Assert.Equal(ErrorCode.None, broker.Error);

        await RestartAsync();

        Assert.Equal(77, Image.Find("events")!.Config.RetentionMs);
        Assert.Equal("2097152", Image.BrokerConfigs[CatalogImage.AllNodes]["log.segment.bytes"]);
    }

    [Fact]
    public async Task Snapshots_are_taken_on_the_way_and_a_restart_goes_on_from_the_last_one()
    {
        await CreateAsync("events");
        string replicas = string.Join(',', Enumerable.Range(0, 400).Select(static i => $"{i}:{i}"));
        for (int i = 0; i < 100; i++)
        {
            TopicResult altered = await AskAsync((Reply<TopicResult> reply) => new CatalogMessage.AlterTopicConfigs(
                "events",
                ConfigRevision.Replace([new("leader.replication.throttled.replicas", replicas), new("retention.ms", $"{i}")]),
                false,
                reply));
            Assert.Equal((ErrorCode.None, null), (altered.Error, altered.Message));
        }
        await Wait.UntilAsync(() => _node.Journal.Trims >= 1, JournaledNode.Patience, "a snapshot");
        await RestartAsync();

        Assert.NotNull((await _node.Journal.RecoverAsync(TopicCatalog.Name, Cancellation)).Snapshot);
        Assert.Equal(99, Image.Find("events")!.Config.RetentionMs);
        Assert.Equal(replicas, Image.Find("events")!.Overrides["leader.replication.throttled.replicas"]);
    }

    /// <summary>What sequencers that were slow would still confirm; nobody outside the catalog can say it.</summary>
    private static CatalogMessage Opened(Guid topicId, int partitions)
    {
        Type type = typeof(CatalogMessage).GetNestedType("Opened", BindingFlags.NonPublic)!;
        return (CatalogMessage)Activator.CreateInstance(type, topicId, partitions)!;
    }

    private static NewTopic New(string name, int partitions = 1) => new(name, partitions, 1, []);

    private static bool IsOfCatalog(ActorWrite write) => write.PersistenceId == TopicCatalog.Name;

    private static bool IsOfSequencer(ActorWrite write) => write.PersistenceId.StartsWith("sequencer-", StringComparison.Ordinal);

    private static bool IsTopicOpened(ActorWrite write) => IsOfCatalog(write) && write.Events.Any(static e => e.Kind == TopicOpened.KindId);

    private async Task<T> AskAsync<T>(Ask<CatalogMessage, T> question) => await JournaledNode.AskAsync(_catalog, question);

    private async Task<TopicResult> CreateAsync(string name, int partitions = 1) =>
        Assert.Single(await CreateAllAsync(false, New(name, partitions)));

    private async Task<TopicResult[]> CreateAllAsync(bool validateOnly, params NewTopic[] topics) => await Task.WhenAll(
        await AskAsync((Reply<IReadOnlyList<Task<TopicResult>>> reply) => new CatalogMessage.CreateTopics(topics, validateOnly, reply)))
        .WaitAsync(JournaledNode.Patience, Cancellation);

    private async Task<TopicResult> GrowAsync(string topic, int count, bool validateOnly = false) => await (
        await AskAsync((Reply<Task<TopicResult>> reply) => new CatalogMessage.CreatePartitions(topic, count, validateOnly, reply)))
        .WaitAsync(JournaledNode.Patience, Cancellation);

    private async Task<TopicResult> DeleteAsync(string topic) => await DeleteAsync(Image.Find(topic)!.Id);

    private async Task<TopicResult> DeleteAsync(Guid topicId) =>
        await AskAsync((Reply<TopicResult> reply) => new CatalogMessage.DeleteTopic(topicId, reply));

    private async Task<TopicResult> AlterAsync(string topic, string retention, bool validateOnly = false) => await AskAsync(
        (Reply<TopicResult> reply) => new CatalogMessage.AlterTopicConfigs(
            topic, ConfigRevision.Replace([new("retention.ms", retention)]), validateOnly, reply));

    private async Task<int> ChangeRoutingAsync(params int[] nodes) =>
        await AskAsync((Reply<int> reply) => new CatalogMessage.ChangeRouting(nodes, reply));

    private async Task RestartAsync()
    {
        await _node.RestartAsync();
        _catalog = _node.StartCatalog();
        // Answered once the catalog has recovered and published its topics.
        await AskAsync((Reply<TopicResult> reply) => new CatalogMessage.DeleteTopic(Guid.Empty, reply));
    }

    /// <summary>Stops the catalog, writes an event as if it had been its last, and starts it again.</summary>
    private async Task RestartWithAsync(IEvent last)
    {
        await _node.RestartAsync();
        RecoveredJournal found = await _node.Journal.RecoverAsync(TopicCatalog.Name, Cancellation);
        WriteResult result = Assert.Single(await _node.Journal.AppendAsync(
            [
                new ActorWrite
                {
                    Fence = _node.Leases.FenceOf(ShardIds.Catalog)!.Value,
                    PersistenceId = TopicCatalog.Name,
                    FirstSequenceNr = found.LastSequenceNr + 1,
                    Events = [s_codec.Encode(last)],
                },
            ],
            Cancellation));
        Assert.Equal(WriteResult.Written, result);
        _catalog = _node.StartCatalog();
        await AskAsync((Reply<TopicResult> reply) => new CatalogMessage.DeleteTopic(Guid.Empty, reply));
    }
}

using System.Diagnostics.Metrics;
using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Actors.Sequencing;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Maintenance;

/// <summary>Retention with a real catalog, sequencers and a journal, on a clock of the test's.</summary>
public sealed class RetentionDriverSpec : IAsyncLifetime
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMinutes(7);

    private readonly ManualTime _time = new();
    private readonly Meter _meter = new("Warp.Specs.Retention");
    private JournaledNode _node = null!;
    private ActorRef<CatalogMessage> _catalog = null!;
    private Committer _committer = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _node = await JournaledNode.StartAsync(_time);
        _catalog = _node.StartCatalog();
        _committer = new Committer(_node.Node, new Random(1), _time.GetUtcNow);
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _meter.Dispose();
    }

    [Fact]
    public async Task Records_go_when_they_are_older_than_their_topic_keeps_them_and_not_before()
    {
        TopicPartition partition = await CreateAsync(("retention.ms", "60000"));
        await CommitAsync(partition, 3);
        _time.Advance(TimeSpan.FromSeconds(40));
        await CommitAsync(partition, 4);
        _time.Advance(TimeSpan.FromSeconds(20));

        await RunAsync();
        Assert.Equal((0, 7), await EndsAsync(partition));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await RunAsync();
        Assert.Equal((3, 7), await EndsAsync(partition));
        _time.Advance(TimeSpan.FromMinutes(1));
        await RunAsync();
        Assert.Equal((7, 7), await EndsAsync(partition));

        await _node.RestartAsync();
        Assert.Equal((7, 7), await EndsAsync(partition));
    }

    [Fact]
    public async Task The_oldest_records_go_when_there_are_more_than_their_topic_keeps()
    {
        TopicPartition partition = await CreateAsync(("retention.bytes", "700"), ("retention.ms", "-1"));
        for (int i = 0; i < 4; i++)
            await CommitAsync(partition, 3);

        await RunAsync();

        Assert.Equal((3, 12), await EndsAsync(partition));
    }

    [Theory]
    [InlineData("cleanup.policy=compact", 0)]
    [InlineData("cleanup.policy=compact,delete", 3)]
    [InlineData("cleanup.policy=delete", 3)]
    [InlineData("retention.ms=-1", 0)]
    public async Task Only_topics_whose_cleanup_policy_says_delete_and_that_have_a_limit_lose_records(string config, long logStart)
    {
        string[] parts = config.Split('=');
        TopicPartition partition = await CreateAsync((parts[0], parts[1]));
        await CommitAsync(partition, 3);
        _time.Advance(TimeSpan.FromDays(8));

        await RunAsync();

        Assert.Equal((logStart, 3), await EndsAsync(partition));
    }

    [Fact]
    public async Task The_brokers_default_holds_for_topics_that_set_nothing_from_the_moment_it_is_changed()
    {
        TopicPartition partition = await CreateAsync();
        await CommitAsync(partition, 3);
        _time.Advance(TimeSpan.FromHours(1));
        await RunAsync();
        Assert.Equal((0, 3), await EndsAsync(partition));

        ConfigAlteration alteration = new("log.retention.ms", ConfigOperation.Set, "1000");
        await JournaledNode.AskAsync(_catalog, (Reply<TopicResult> reply) => new CatalogMessage.AlterBrokerConfigs(
            CatalogImage.AllNodes, ConfigRevision.Alter(alteration), ValidateOnly: false, reply));
        await RunAsync();

        Assert.Equal((3, 3), await EndsAsync(partition));
    }

    [Fact]
    public async Task A_shard_whose_journal_refuses_is_left_for_the_next_time()
    {
        TopicPartition partition = await CreateAsync(("retention.ms", "0"));
        await CommitAsync(partition, 3);
        _time.Advance(TimeSpan.FromSeconds(1));
        _node.Journal.FailNext(AppendFault.RolledBack);

        await RunAsync();
        Assert.Equal((0, 3), await EndsAsync(partition));
        await RunAsync();
        Assert.Equal((3, 3), await EndsAsync(partition));
    }

    [Fact]
    public async Task It_runs_by_itself_every_interval()
    {
        TopicPartition partition = await CreateAsync(("retention.ms", "0"));
        await CommitAsync(partition, 3);
        await using var driver = new RetentionDriver(_node.System, _catalog, _node.Region, _meter);
        driver.Start(s_interval);
        await Wait.UntilAsync(() => _time.HasTimerIn(s_interval), JournaledNode.Patience, "the timer");

        _time.Advance(s_interval - TimeSpan.FromSeconds(1));
        Assert.Equal((0, 3), await EndsAsync(partition));
        _time.Advance(TimeSpan.FromSeconds(1));

        await Wait.UntilAsync(() => _time.HasTimerIn(s_interval), JournaledNode.Patience, "the next timer");
        Assert.Equal((3, 3), await EndsAsync(partition));
    }

    [Fact]
    public async Task A_topic_with_many_runs_of_records_is_deleted_in_steps()
    {
        TopicPartition partition = await CreateAsync();
        var other = new TopicPartition(new Guid("00112233-4455-6677-8899-aabbccddeeff"), 0);
        await _node.OpenAsync(other);
        // The batches of two partitions in turns: none continues the one before it.
        BatchToCommit[] batches = [.. Enumerable.Range(0, 5000).Select(i => Committer.Batch(i % 2 == 0 ? partition : other))];
        await _node.AcceptedAsync(_committer.Next(batches));
        int before = _node.Journal.Appends.Count;

        Assert.Equal(ErrorCode.None, await _node.AskAsync(
            (Reply<ErrorCode> reply) => new SequencerMessage.DeleteTopic(partition.TopicId, reply)));

        Assert.Equal(3, _node.Journal.Appends.Skip(before).Count(static writes => writes.Any(static write => write.Events.Count > 0)));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await _node.ReadAsync(partition, 0)).Ends.Error);
        Assert.Equal((0, 2500), await EndsAsync(other));
        await _node.RestartAsync();
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await _node.ReadAsync(partition, 0)).Ends.Error);
        Assert.Equal((0, 2500), await EndsAsync(other));
    }

    private async Task RunAsync()
    {
        await using var driver = new RetentionDriver(_node.System, _catalog, _node.Region, _meter);
        await driver.RunOnceAsync(Cancellation).WaitAsync(JournaledNode.Patience, Cancellation);
    }

    private async Task<TopicPartition> CreateAsync(params (string Name, string Value)[] configs)
    {
        var topic = new NewTopic("events", 1, 1, [.. configs.Select(static c => KeyValuePair.Create(c.Name, (string?)c.Value))]);
        IReadOnlyList<Task<TopicResult>> results = await JournaledNode.AskAsync(
            _catalog,
            (Reply<IReadOnlyList<Task<TopicResult>>> reply) => new CatalogMessage.CreateTopics([topic], ValidateOnly: false, reply));
        TopicResult result = await results[0].WaitAsync(JournaledNode.Patience, Cancellation);
        Assert.Equal(ErrorCode.None, result.Error);
        return new TopicPartition(result.Topic!.Id, 0);
    }

    /// <summary>An object of its own with records of 100 bytes and of this moment.</summary>
    private Task CommitAsync(TopicPartition partition, int count) => _node.AcceptedAsync(
        _committer.Next(Committer.Batch(partition, count, _time.GetUtcNow().ToUnixTimeMilliseconds())));

    private async Task<(long Start, long End)> EndsAsync(TopicPartition partition)
    {
        PartitionExtents extents = await _node.ReadAsync(partition, 0);
        return (extents.Ends.LogStartOffset, extents.Ends.HighWatermark);
    }
}

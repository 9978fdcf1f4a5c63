using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Actors.Cluster;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Warp.Specs.Scenarios;
using Xunit;
using ErrorCode = Warp.Protocol.Messages.ErrorCode;

namespace Warp.Specs.Chaos;

/// <summary>
/// Owners that have been stopped or cut off and do not know it: the database refuses what they write, their own clock what they would answer,
/// and neither holds up anybody else.
/// </summary>
[Collection(nameof(NodeProcesses))]
public sealed class ClusterFenceSpec(ITestOutputHelper output)
{
    private const string Topic = "fenced";
    private const string Fast = "warp.timing.scale=0.3";
    private const int LoadedPartitions = 5;
    private const short ProduceVersion = 11;
    private const short ListOffsetsVersion = 5;

    private static readonly TimeSpan s_lease = new TimeConstants().Lease;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly WriteProbe _probe = new(Topic);

    /// <summary>A silent network is the harder one: nobody is told that a connection has ended.</summary>
    public static TheoryData<LinkFate> Cuts => TestRun.IsLong ? [LinkFate.Silence, LinkFate.Cut] : [LinkFate.Silence];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_resumed_owner_is_refused_by_the_database_when_it_writes_and_by_its_own_clock_when_it_reads()
    {
        await using TestCluster cluster = await StartAsync(2, Fast);
        (TestNode old, TestNode next) = (cluster.Nodes[0], cluster.Nodes[1]);
        int partition = await PartitionOfAsync(cluster, old);
        using KafkaSocket writer = await KafkaSocket.ConnectAsync(old.Bootstrap);
        using KafkaSocket reader = await KafkaSocket.ConnectAsync(old.Bootstrap);
        using KafkaSocket other = await KafkaSocket.ConnectAsync(next.Bootstrap);
        (_, long before) = await EndAsync(reader, partition);

        old.Process.Pause();
        await _probe.WaitAsync(s_patience, Stop, next);
        (_, long end) = await EndAsync(other, partition);
        Assert.True(end > before);
        // What it finds when it goes on: requests, and no way to hear of its successor by a heartbeat.
        await using PostgresRowLock heartbeats = await PostgresRowLock.TakeAsync(
            cluster.Database, "UPDATE node SET zone = zone WHERE node_id = @id", ("id", await old.IdAsync()));
        await writer.SendAsync(Produce(partition), ProduceVersion);
        await reader.SendAsync(ListOffsets(partition), ListOffsetsVersion);
        old.Process.Resume();

        ProduceResponse written = await writer.ReceiveAsync<ProduceResponse>(ApiKey.Produce, ProduceVersion);
        ListOffsetsResponse read = await reader.ReceiveAsync<ListOffsetsResponse>(ApiKey.ListOffsets, ListOffsetsVersion);

        string log = old.Process.Output;
        foreach (string line in log.Split('\n').Where(static line => line.Contains("has the epoch") || line.Contains("own clock")).Take(4))
            output.WriteLine(line);
        // By way of the new owner, or not at all; never at the place that the new owner has given to another record.
        var answer = written.Responses[0].PartitionResponses[0];
        output.WriteLine($"written: {answer.ErrorCode} at {answer.BaseOffset}; read: {read.Topics[0].Partitions[0].ErrorCode}, {read.Topics[0].Partitions[0].Offset}");
        Assert.True(answer.ErrorCode == ErrorCode.None ? answer.BaseOffset >= end : answer.BaseOffset == -1);
        var told = read.Topics[0].Partitions[0];
        Assert.True(told.ErrorCode != ErrorCode.None || told.Offset >= end);
        Assert.Matches($@"sequencer-\d+ must recover: shard \d+ has the epoch \d+, not \d+", log);
        Assert.Contains("By this node's own clock its leases have run out", log);
        await heartbeats.ReleaseAsync();
        await _probe.WaitAsync(s_patience, Stop, cluster.Nodes);
    }

    [Fact]
    public async Task An_owner_that_stops_while_its_append_holds_locks_holds_up_no_takeover()
    {
        await using TestCluster cluster = await StartAsync(2);
        (TestNode old, TestNode next) = (cluster.Nodes[0], cluster.Nodes[1]);
        int partition = await PartitionOfAsync(cluster, old);
        int shard = await ShardOfAsync(cluster, partition);
        // The next event of the sequencer is there already, though nobody can see it yet: the append waits for it, with its shard locked.
        await using PostgresRowLock middle = await PostgresRowLock.TakeAsync(
            cluster.Database,
            """
            INSERT INTO journal (persistence_id, sequence_nr, epoch, kind, version, payload, written_at)
            SELECT @id, coalesce(max(sequence_nr), 0) + 1, 1, 1, 1, '', clock_timestamp() FROM (
              SELECT sequence_nr FROM journal WHERE persistence_id = @id UNION ALL SELECT sequence_nr FROM snapshot WHERE persistence_id = @id) AS all_of_it
            """,
            ("id", $"sequencer-{shard}"));
        using KafkaSocket writer = await KafkaSocket.ConnectAsync(old.Bootstrap);
        await writer.SendAsync(Produce(partition), ProduceVersion);
        await middle.WaitersAsync(1);

        old.Process.Pause();
        var stopped = Stopwatch.StartNew();
        await middle.WaitersAsync(0);
        output.WriteLine($"the database has given the append up after {stopped.Elapsed.TotalSeconds:F1} s");
        await middle.ReleaseAsync();

        await AssertTakenOverAsync(cluster, old, next, stopped);
    }

    [Fact]
    public async Task An_owner_that_stops_in_the_middle_of_sending_a_statement_holds_up_no_takeover()
    {
        var random = new Random(TestRun.TakeSeed());
        await using TestCluster cluster = await StartAsync(2);
        (TestNode old, TestNode next) = (cluster.Nodes[0], cluster.Nodes[1]);
        int partition = await PartitionOfAsync(cluster, old);
        using KafkaSocket writer = await KafkaSocket.ConnectAsync(old.Bootstrap);
        old.Journal.PassOnly(random.Next(1, 1500));
        while (!old.Journal.HasPassedAll)
        {
            await writer.SendAsync(Produce(partition), ProduceVersion);
            await Task.Delay(50, Stop);
        }

        old.Process.Pause();

        await AssertTakenOverAsync(cluster, old, next, Stopwatch.StartNew());
        old.Journal.PassOnly(long.MaxValue);
        await _probe.WaitAsync(s_patience, Stop, old);
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task No_node_ever_shows_a_log_end_that_moves_back_while_one_is_cut_off_from_the_database(LinkFate cut)
    {
        await using TestCluster cluster = await StartAsync(3, Fast);
        TestNode victim = cluster.Nodes[0];
        var history = new History();
        await using var load = new ProducerLoad(
            $"{cluster.Nodes[1].Bootstrap},{cluster.Nodes[2].Bootstrap}", Topic, LoadedPartitions, history, recordsPerSecond: 100);
        await using var poller = new EndPoller(Topic, WriteProbe.Partitions, cluster.Nodes);
        await ProgressAsync();

        cluster.IsolateFromDatabase(victim, cut);
        var since = Stopwatch.StartNew();
        await _probe.WaitAsync(s_patience, Stop, cluster.Nodes[1], cluster.Nodes[2]);
        TimeSpan others = since.Elapsed;
        // It goes on serving, by way of the others.
        int answers = poller.AnswersOf(victim);
        await Wait.UntilAsync(() => poller.AnswersOf(victim) > answers + (3 * WriteProbe.Partitions), s_patience, "answers of the node that is cut off");
        TimeSpan itself = since.Elapsed;
        await _probe.WaitAsync(s_patience, Stop, victim);
        output.WriteLine($"{cut}: writable by the others after {others.TotalSeconds:F1} s, answered by the victim after {itself.TotalSeconds:F1} s, writable there {since.Elapsed.TotalSeconds:F1} s");
        await ProgressAsync();
        cluster.IsolateFromDatabase(victim, LinkFate.Pass);
        await cluster.SettledAsync(s_patience, [.. cluster.Nodes]);
        await ProgressAsync();
        await load.StopAsync(s_patience);

        Assert.Null(load.FatalError);
        Assert.Empty(poller.Defects);
        Assert.Empty(history.Failed);

        async Task ProgressAsync()
        {
            IReadOnlyList<HistoryValue> mark = history.Mark();
            await Wait.UntilAsync(() => history.AcknowledgedCount > 0 && history.HasPassed(mark), s_patience, "acknowledgements of all partitions");
            int asked = cluster.Nodes.Sum(poller.AnswersOf);
            await Wait.UntilAsync(() => cluster.Nodes.Sum(poller.AnswersOf) > asked + (6 * WriteProbe.Partitions), s_patience, "ends");
        }
    }

    /// <summary>A cluster in which every shard has a partition with one record in it.</summary>
    private async Task<TestCluster> StartAsync(int nodes, params string[] settings)
    {
        TestCluster cluster = await TestCluster.StartAsync(nodes, settings);
        using (var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = cluster.Bootstrap }).SetLogHandler((_, _) => { }).Build())
            await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = WriteProbe.Partitions }]);
        await cluster.SettledAsync(s_patience, [.. cluster.Nodes]);
        await _probe.WaitAsync(s_patience, Stop, cluster.Nodes[0]);
        return cluster;
    }

    private async Task AssertTakenOverAsync(TestCluster cluster, TestNode old, TestNode next, Stopwatch stopped)
    {
        try
        {
            await _probe.WaitAsync(s_patience, Stop, next);
            output.WriteLine($"taken over after {stopped.Elapsed.TotalSeconds:F1} s");
            Assert.True(stopped.Elapsed < s_lease + TimeSpan.FromSeconds(5), $"taken over only after {stopped.Elapsed.TotalSeconds:F1} s");
        }
        finally
        {
            old.Process.Resume();
        }
    }

    /// <summary>A partition whose shard is the node's.</summary>
    private static async Task<int> PartitionOfAsync(TestCluster cluster, TestNode node)
    {
        int owned = (await node.ShardsAsync())[0];
        int first = await ShardOfAsync(cluster, 0);
        return (owned - first + WriteProbe.Partitions) % WriteProbe.Partitions;
    }

    private static async Task<int> ShardOfAsync(TestCluster cluster, int partition)
    {
        using KafkaSocket socket = await KafkaSocket.ConnectAsync(cluster.Nodes[0].Bootstrap);
        var request = new MetadataRequest { Topics = [new() { Name = Topic }] };
        Guid id = (await socket.AskAsync<MetadataResponse>(request, 12)).Topics[0].TopicId;
        return Warp.Actors.Sharding.EntityHash.ShardOf(new Warp.Actors.Sequencing.TopicPartition(id, partition), WriteProbe.Partitions);
    }

    private static ProduceRequest Produce(int partition) => new()
    {
        Acks = -1,
        TimeoutMs = 30_000,
        TopicData = [new() { Name = Topic, PartitionData = [new() { Index = partition, Records = new RecordSet(Batches.Of("late")) }] }],
    };

    private static ListOffsetsRequest ListOffsets(int partition) => new()
    {
        ReplicaId = -1,
        Topics = [new() { Name = Topic, Partitions = [new() { PartitionIndex = partition, Timestamp = -1 }] }],
    };

    private static async Task<(ErrorCode Error, long Offset)> EndAsync(KafkaSocket socket, int partition)
    {
        var answer = (await socket.AskAsync<ListOffsetsResponse>(ListOffsets(partition), ListOffsetsVersion)).Topics[0].Partitions[0];
        return (answer.ErrorCode, answer.Offset);
    }
}

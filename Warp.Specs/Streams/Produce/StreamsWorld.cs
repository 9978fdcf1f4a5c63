using System.Diagnostics.Metrics;
using System.Text;
using Warp.Actors.Cluster;
using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Actors;
using Warp.Streams.Cache;
using Warp.Streams.Fetch;
using Warp.Streams.Objects;
using Warp.Streams.Produce;
using Xunit;
using Record = Warp.Protocol.Records.Record;

namespace Warp.Specs.Streams.Produce;

/// <summary>
/// What a node has behind its listeners: persistent actors on a real journal, a flush pipeline and a fetch planner, with faults in store
/// and journal at a test's command.
/// </summary>
internal sealed class StreamsWorld : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Every batch leaves at once, as long as fewer than four puts are under way.</summary>
    public static readonly FlushSettings AtOnce = new(TimeSpan.Zero, 8 << 20, PutsPerSecond: 0, PutsInFlight: 4);

    private readonly Meter _meter = new("Warp.Specs.Streams");
    private readonly FlushSettings _settings;
    private readonly TimeConstants _times;
    private int _topics;

    private StreamsWorld(
        JournaledNode node, FlushSettings settings, TimeProvider? time, TimeConstants times, IObjectStore? store)
    {
        Node = node;
        Store = new ScriptedObjectStore(time, store);
        _settings = settings;
        _times = times;
    }

    public JournaledNode Node { get; }

    public ScriptedObjectStore Store { get; }

    public SampleBatches Batches { get; } = new();

    public ObjectKeys Keys { get; } = new();

    public FaultyJournal Journal => Node.Journal;

    public ActorSystem System => Node.System;

    public ShardRegion Region => Node.Region;

    public ActorRef<FlushMessage> Pipeline { get; private set; } = null!;

    public FetchPlanner Planner { get; private set; } = null!;

    /// <summary>The chunks that the node has in memory.</summary>
    public ChunkCache Chunks { get; private set; } = null!;

    /// <summary>Cancelled, it lets go of the planner's waiting fetches.</summary>
    public CancellationTokenSource Draining { get; } = new();

    public static async Task<StreamsWorld> StartAsync(
        FlushSettings? settings = null, TimeProvider? time = null, TimeConstants? times = null, int shards = 4,
        IObjectStore? store = null)
    {
        times ??= new TimeConstants();
        JournaledNode node = await JournaledNode.StartAsync(time, shards, times);
        var world = new StreamsWorld(node, settings ?? AtOnce, time, times, store);
        world.Open();
        return world;
    }

    /// <summary>Ends the process, as it were, and starts it again with the same journal and store.</summary>
    /// <param name="whileClosed">Runs in between, with the path of the journal's file.</param>
    public async Task RestartAsync(Func<string, Task>? whileClosed = null)
    {
        Chunks.Dispose();
        await Node.RestartAsync(whileClosed);
        Open();
    }

    /// <summary>
    /// Makes a topic and opens its partitions. Partitions whose numbers differ by the number of shards are in the same shard.
    /// </summary>
    public async Task<TopicPartition[]> OpenTopicAsync(int partitions)
    {
        var topicId = new Guid(Interlocked.Increment(ref _topics), 7, 7, [1, 2, 3, 4, 5, 6, 7, 8]);
        TopicPartition[] all = [.. Enumerable.Range(0, partitions).Select(partition => new TopicPartition(topicId, partition))];
        foreach (IGrouping<int, TopicPartition> shard in all.GroupBy(Region.ShardOf))
        {
            int[] numbers = [.. shard.Select(static key => key.Partition)];
            ErrorCode error = await Region.Sequencer(shard.Key).AskAsync<ErrorCode>(
                reply => new SequencerMessage.OpenPartitions(topicId, numbers, reply), Patience, CancellationToken.None);
            Assert.Equal(ErrorCode.None, error);
        }
        return all;
    }

    /// <summary>Hands a batch to the pipeline, of somebody who may send more at any time if nothing else is said.</summary>
    public PendingBatch Produce(TopicPartition partition, byte[] batch, IProduceSource? source = null)
    {
        PendingBatch pending = Batches.Pending(partition, batch);
        Pipeline.Tell(new FlushMessage.Add(new PendingRequest([pending], Patience, source)));
        return pending;
    }

    /// <summary>Hands the batches of one request to the pipeline.</summary>
    public void Produce(params PendingBatch[] batches) => Pipeline.Tell(new FlushMessage.Add(new PendingRequest([.. batches], Patience)));

    /// <summary>Produces a batch and waits for its answer.</summary>
    public Task<BatchAnswer> ProduceAsync(TopicPartition partition, byte[] batch) => AnswerAsync(Produce(partition, batch));

    public static Task<BatchAnswer> AnswerAsync(PendingBatch batch) => batch.Answer.WaitAsync(Patience);

    public Task<bool> DrainAsync() =>
        Pipeline.AskAsync<bool>(static reply => new FlushMessage.Drain(reply), Patience, CancellationToken.None);

    public async Task<long> LogEndAsync(TopicPartition partition) =>
        (await Planner.DescribeAsync(partition, CancellationToken.None)).HighWatermark;

    /// <summary>A planner that has nothing in memory: what it reads is in the store.</summary>
    public FetchPlanner ColdPlanner() => new(System, Region, ColdReader(), new FetchMemory(64 << 20), Draining.Token);

    public ExtentReader ColdReader()
    {
        var chunks = new ChunkCache(Store, 64 << 20, _meter);
        return new ExtentReader(chunks, new FooterCache(Store, chunks, 1 << 20), Keys);
    }

    /// <summary>Reads a whole partition from the store, and checks what a consumer would check.</summary>
    public async Task<List<LogEntry>> ReadLogAsync(TopicPartition partition)
    {
        FetchPlanner planner = ColdPlanner();
        var entries = new List<LogEntry>();
        long next = (await planner.DescribeAsync(partition, CancellationToken.None)).LogStartOffset;
        while (true)
        {
            var query = new FetchQuery([new PartitionQuery(partition, next, 1 << 20)], 1, TimeSpan.Zero, 1 << 20, ReadCommitted: false);
            PartitionRecords found = Assert.Single(await planner.FetchAsync(query, CancellationToken.None));
            using RecordSet records = found.Records;
            Assert.Equal(ErrorCode.None, found.Error);
            if (records.Length == 0)
            {
                Assert.Equal(found.Ends.HighWatermark, next);
                return entries;
            }
            foreach (RecordBatch batch in RecordBatches.Enumerate(records.Memory))
            {
                Assert.Equal(next, batch.Header.BaseOffset);
                Assert.Equal(batch.Header.Crc, Crc32C.Compute(batch.Bytes.Span[RecordBatchHeader.AttributesOffset..]));
                entries.AddRange(LogEntry.Of(batch));
                next = batch.Header.NextOffset;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        Chunks.Dispose();
        Draining.Dispose();
        _meter.Dispose();
    }

    private void Open()
    {
        Chunks = new ChunkCache(Store, 64 << 20, _meter);
        var services = new FlushServices(Store, Region, Node.Leases, _times, Chunks, "a-cluster-id-of-22-char", Keys, _meter);
        Pipeline = FlushPipeline.Start(System, services, _settings);
        var footers = new FooterCache(Store, Chunks, 1 << 20);
        Planner = new FetchPlanner(System, Region, new ExtentReader(Chunks, footers, Keys), new FetchMemory(64 << 20), Draining.Token);
    }
}

/// <summary>A record as a consumer sees it.</summary>
internal sealed record LogEntry(long Offset, long Timestamp, long ProducerId, string Value)
{
    public static List<LogEntry> Of(RecordBatch batch)
    {
        var entries = new List<LogEntry>();
        using RecordBatchReader reader = RecordBatchReader.Open(batch.Bytes.Span, 64 << 20);
        while (reader.TryRead(out Record record))
        {
            entries.Add(new LogEntry(record.Offset, record.Timestamp, batch.Header.ProducerId, Encoding.UTF8.GetString(record.Value)));
        }
        return entries;
    }
}

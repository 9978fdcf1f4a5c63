using System.Diagnostics.Metrics;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Streams.Fetch;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Cache;
using Warp.Streams.Compaction;
using Warp.Streams.Fetch;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Compaction;

/// <summary>A node's streams with compaction beside them: by hand, job by job, or with a planner and a worker.</summary>
internal sealed class CompactionWorld : IAsyncDisposable
{
    /// <summary>The least memory that a job works well in.</summary>
    public static readonly CompactionSettings Small = new(64 << 20, long.MaxValue / 2);

    private readonly Meter _meter = new("Warp.Specs.Compaction");
    private CompactionWorker? _worker;

    private CompactionWorld(StreamsWorld streams)
    {
        Streams = streams;
        Commits = new ObjectCommits(streams);
    }

    public StreamsWorld Streams { get; }

    /// <summary>Writes level 0 objects of a test's own layout.</summary>
    public ObjectCommits Commits { get; }

    public ActorRef<CompactionMessage> Planner { get; private set; } = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static async Task<CompactionWorld> StartAsync(
        TimeProvider? time = null, Warp.Actors.Cluster.TimeConstants? times = null, IObjectStore? store = null, int shards = 4) =>
        new(await StreamsWorld.StartAsync(time: time, times: times, store: store, shards: shards));

    public CompactionServices Services(CompactionSettings? settings = null, IObjectStore? store = null) => new(
        Streams.System, store ?? Streams.Store, Streams.Keys, Streams.Journal, Streams.Region, Streams.Node.Leases,
        Streams.Node.Services.Times, "a-cluster-id-of-22-char", settings ?? Small, _meter);

    /// <summary>Starts the planner and, unless a test has none, a worker.</summary>
    public void StartPlanner(CompactionPlannerSettings settings, CompactionServices? services = null, bool hasWorker = true)
    {
        Planner = Streams.System.Spawn(
            CompactionPlanner.Name, () => new CompactionPlanner(Streams.Node.Services, Streams.Region, settings, new Random(1)));
        if (hasWorker)
            _worker = CompactionWorker.Start(services ?? Services(), Planner, Streams.Draining.Token);
    }

    public Task<CompactionStatus> AskAsync(Ask<CompactionMessage, CompactionStatus> question) =>
        Planner.AskAsync(question, StreamsWorld.Patience, Stop).WaitAsync(StreamsWorld.Patience, Stop);

    public Task<CompactionStatus> DescribeAsync() => AskAsync(static reply => new CompactionMessage.Describe(reply));

    /// <summary>Does a job by hand.</summary>
    public Task<CompactionResult> CompactAsync(CompactionJob job, CompactionServices? services = null) =>
        CompactUntilAsync(job, services ?? Services(), Stop);

    /// <summary>Does a job by hand, until it is cancelled.</summary>
    public static Task<CompactionResult> CompactUntilAsync(CompactionJob job, CompactionServices services, CancellationToken ending) =>
        new Compactor(services).RunAsync(job, new JobLease(services, static _ => Task.FromResult(true)), ending);

    /// <summary>A job for all objects of some levels.</summary>
    public async Task<CompactionJob> JobAsync(int level = 1, int maxInputLevel = 1, long targetBytes = 128 << 20) => new(
        Guid.Parse("00000000-0000-0000-0000-000000000001"), level, targetBytes,
        [.. (await ObjectsAsync(0, maxInputLevel)).Select(static o => new CompactionInput(o.Id, o.Level, o.SizeBytes))]);

    /// <summary>The objects that some shard refers to, by id.</summary>
    public async Task<List<ShardObject>> ObjectsAsync(int minLevel = 0, int maxLevel = 9)
    {
        var found = new SortedDictionary<ObjectId, ShardObject>();
        for (int shard = 0; shard < Streams.Region.ShardCount; shard++)
        {
            ObjectsReply reply = await Streams.Region.Sequencer(shard).AskAsync<ObjectsReply>(
                answer => new SequencerMessage.DescribeObjects(minLevel, maxLevel, int.MaxValue, answer), StreamsWorld.Patience, Stop);
            foreach (ShardObject use in reply.Objects)
            {
                ShardObject sum = found.GetValueOrDefault(use.Id, use with { Extents = 0, LiveBytes = 0 });
                found[use.Id] = sum with { Extents = sum.Extents + use.Extents, LiveBytes = sum.LiveBytes + use.LiveBytes };
            }
        }
        return [.. found.Values];
    }

    public async Task<IReadOnlyList<ReadableExtent>> ExtentsAsync(TopicPartition partition)
    {
        LogEnds ends = await Streams.Planner.DescribeAsync(partition, Stop);
        return (await Streams.Node.ReadAsync(partition, ends.LogStartOffset)).Extents;
    }

    public Task<LogPrint[]> PrintAsync(params IReadOnlyList<TopicPartition> partitions) => PrintAsync(Streams.Store, partitions);

    /// <summary>
    /// Reads partitions whole, from a store and side by side, as a consumer with Kafka's defaults does, and checks what it would check. The
    /// checksum is of every byte that a consumer gets.
    /// </summary>
    public async Task<LogPrint[]> PrintAsync(IObjectStore store, params IReadOnlyList<TopicPartition> partitions)
    {
        using var chunks = new ChunkCache(store, 512 << 20, _meter);
        var reader = new ExtentReader(chunks, new FooterCache(store, chunks, 16 << 20), Streams.Keys);
        var planner = new FetchPlanner(Streams.System, Streams.Region, reader, new FetchMemory(512 << 20), Streams.Draining.Token);
        var prints = new LogPrint[partitions.Count];
        for (int i = 0; i < prints.Length; i++)
            prints[i] = new LogPrint((await planner.DescribeAsync(partitions[i], Stop)).LogStartOffset, 0, 0, 0);
        List<int> left = [.. Enumerable.Range(0, prints.Length)];
        while (left.Count > 0)
        {
            PartitionQuery[] query = [.. left.Select(i => new PartitionQuery(partitions[i], prints[i].NextOffset, 1 << 20))];
            PartitionRecords[] found = await planner.FetchAsync(new FetchQuery(query, 1, TimeSpan.Zero, 50 << 20, false), Stop);
            for (int i = found.Length - 1; i >= 0; i--)
            {
                using RecordSet records = found[i].Records;
                Assert.Equal(ErrorCode.None, found[i].Error);
                if (records.Length > 0)
                    prints[left[i]] = prints[left[i]].With(records.Memory);
            }
            // Those that got nothing come first the next time.
            left =
            [
                .. Enumerable.Range(0, found.Length).Where(i => prints[left[i]].NextOffset < found[i].Ends.HighWatermark)
                    .OrderBy(i => found[i].Records.Length > 0).Select(i => left[i]),
            ];
        }
        return prints;
    }

    /// <summary>Ends the process, as it were, and starts it again without planner and worker.</summary>
    public async Task RestartAsync()
    {
        await StopWorkerAsync();
        await Streams.RestartAsync();
    }

    public async Task StopWorkerAsync()
    {
        if (_worker is not null)
            await _worker.DisposeAsync();
        _worker = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopWorkerAsync();
        await Streams.DisposeAsync();
        _meter.Dispose();
    }
}

/// <summary>What a consumer got of a log.</summary>
internal sealed record LogPrint(long NextOffset, int Batches, long Bytes, uint Crc)
{
    public LogPrint With(ReadOnlyMemory<byte> records)
    {
        long next = NextOffset;
        int count = 0;
        foreach (RecordBatch batch in RecordBatches.Enumerate(records))
        {
            Assert.True(batch.Header.BaseOffset <= next && batch.Header.NextOffset > next);
            Assert.True(batch.Header.BaseOffset == next || Batches + count == 0);
            Assert.Equal(0, batch.Header.PartitionLeaderEpoch);
            Assert.Equal(batch.Header.Crc, Crc32C.Compute(batch.Bytes.Span[RecordBatchHeader.AttributesOffset..]));
            next = batch.Header.NextOffset;
            count++;
        }
        return new LogPrint(next, Batches + count, Bytes + records.Length, Crc32C.Append(Crc, records.Span));
    }
}

using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;
using Warp.Streams.Objects;

namespace Warp.Streams.Fetch;

/// <summary>
/// Serves fetches: asks the sequencers where the bytes are, waits until there are enough of them (signalled by the sequencers, never by
/// polling), and reads them. Thread-safe.
/// </summary>
/// <param name="system">Clock and deadlines.</param>
/// <param name="region">Finds the sequencers.</param>
/// <param name="reader">Reads the bytes.</param>
/// <param name="memory">Bounds what answers hold.</param>
/// <param name="draining">Cancelled when the node stops: whoever waits for records gets what there is.</param>
public sealed class FetchPlanner(ActorSystem system, ShardRegion region, ExtentReader reader, FetchMemory memory, CancellationToken draining)
{
    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(10);

    private readonly TimestampSearch _timestamps = new(region, reader);
    private readonly ReadFailures _failures = new(system.Loggers.CreateLogger("fetch"), system.Time);

    /// <summary>Answers one entry for each partition of the query, in its order.</summary>
    public async Task<PartitionRecords[]> FetchAsync(FetchQuery query, CancellationToken cancellationToken)
    {
        long startedAt = system.Time.GetTimestamp();
        while (true)
        {
            PartitionExtents[] plan = await PlanAsync(query, cancellationToken);
            TimeSpan left = query.MaxWait - system.Time.GetElapsedTime(startedAt);
            if (left <= TimeSpan.Zero || draining.IsCancellationRequested || IsEnough(query, plan))
                return await ReadAsync(query, plan, cancellationToken);
            await WaitAsync(query, plan, left, cancellationToken);
        }
    }

    /// <summary>Where the partitions start and end.</summary>
    public async Task<LogEnds> DescribeAsync(TopicPartition partition, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogEnds> ends = await region.SequencerOf(partition).AskAsync<IReadOnlyList<LogEnds>>(
            reply => new SequencerMessage.DescribeLogs([partition], reply), s_ask, cancellationToken);
        return ends[0];
    }

    /// <summary>
    /// The first record of a time or later; with −3 the first of those with the latest time (KIP-734). Null when there is none.
    /// </summary>
    public async Task<(ErrorCode Error, TimestampedOffset? Found)> FindTimestampAsync(
        TopicPartition partition, long timestamp, CancellationToken cancellationToken)
    {
        try
        {
            return await SearchAsync();
        }
        catch (ObjectNotFoundException)
        {
            // It may have been collected since the sequencer named it.
            return await SearchAsync();
        }

        Task<(ErrorCode Error, TimestampedOffset? Found)> SearchAsync() => timestamp >= 0
            ? _timestamps.FindAsync(partition, timestamp, cancellationToken)
            : _timestamps.FindLatestAsync(partition, cancellationToken);
    }

    private async Task<PartitionExtents[]> PlanAsync(FetchQuery query, CancellationToken cancellationToken)
    {
        var plan = new PartitionExtents[query.Partitions.Count];
        var shards = new int[plan.Length];
        var indexes = new int[plan.Length];
        for (int i = 0; i < plan.Length; i++)
        {
            shards[i] = region.ShardOf(query.Partitions[i].Partition);
            indexes[i] = i;
        }
        Array.Sort(shards, indexes);
        var asking = new List<Task>(plan.Length);
        for (int from = 0, to; from < plan.Length; from = to)
        {
            int shard = shards[from];
            to = from + 1;
            while (to < plan.Length && shards[to] == shard)
                to++;
            asking.Add(PlanShardAsync(shard, indexes.AsMemory(from..to), query, plan, cancellationToken));
        }
        await Task.WhenAll(asking);
        return plan;
    }

    private async Task PlanShardAsync(
        int shard, ReadOnlyMemory<int> indexes, FetchQuery query, PartitionExtents[] plan, CancellationToken cancellationToken)
    {
        var reads = new ExtentRead[indexes.Length];
        for (int i = 0; i < reads.Length; i++)
        {
            PartitionQuery partition = query.Partitions[indexes.Span[i]];
            reads[i] = new ExtentRead(partition.Partition, partition.Offset, (long)partition.MaxBytes + ReadAhead.Bytes);
        }
        try
        {
            ReadExtentsReply reply = await region.Sequencer(shard).AskAsync<ReadExtentsReply>(
                answer => new SequencerMessage.ReadExtents(reads, answer), s_ask, cancellationToken);
            for (int i = 0; i < reads.Length; i++)
                plan[indexes.Span[i]] = reply.Partitions[i];
        }
        catch (Exception error) when (error is TimeoutException or ActorStoppedException)
        {
            // Consumers know few errors; this one makes them ask again after a look at the metadata.
            foreach (int i in indexes.Span)
                plan[i] = new PartitionExtents(new LogEnds(ErrorCode.NotLeaderOrFollower, -1, -1, -1, 0), []);
        }
    }

    /// <summary>Whether to answer now: enough bytes, or an error that the client should hear of.</summary>
    private static bool IsEnough(FetchQuery query, PartitionExtents[] plan)
    {
        long bytes = 0;
        for (int i = 0; i < plan.Length; i++)
        {
            if (plan[i].Ends.Error != ErrorCode.None)
                return true;
            bytes += Math.Min(Available(query.Partitions[i], plan[i]), query.Partitions[i].MaxBytes);
        }
        return bytes >= Math.Min(query.MinBytes, query.MaxBytes) || query.Partitions.Count == 0;
    }

    /// <summary>About how many bytes there are from the offset on.</summary>
    private static long Available(in PartitionQuery partition, PartitionExtents plan)
    {
        long bytes = 0;
        foreach (ReadableExtent extent in plan.Extents)
            bytes += extent.Extent.BytesFrom(partition.Offset);
        // A plan lists so many extents and no more. Waiting would not make it longer.
        bool isCut = plan.Extents.Count > 0 && plan.Extents[^1].Extent.LastOffset + 1 < plan.Ends.HighWatermark;
        return isCut ? Math.Max(bytes, partition.MaxBytes) : bytes;
    }

    private async Task WaitAsync(FetchQuery query, PartitionExtents[] plan, TimeSpan left, CancellationToken cancellationToken)
    {
        var watcher = new FetchWatcher();
        using var done = new CancellationTokenSource();
        await using CancellationTokenRegistration signalled = draining.Register(watcher.Signal);
        var byShard = new Dictionary<int, List<(TopicPartition, long)>>();
        for (int i = 0; i < plan.Length; i++)
        {
            TopicPartition partition = query.Partitions[i].Partition;
            int shard = region.ShardOf(partition);
            if (!byShard.TryGetValue(shard, out List<(TopicPartition, long)>? list))
                byShard.Add(shard, list = []);
            // What is there already did not suffice: anything past the end that was seen is news.
            list.Add((partition, plan[i].Ends.HighWatermark));
        }
        try
        {
            foreach ((int shard, List<(TopicPartition, long)> partitions) in byShard)
                region.Sequencer(shard).Tell(new SequencerMessage.Watch(partitions, watcher, done.Token));
            await watcher.Signalled.WaitAsync(left, system.Time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Then the client gets what there is.
        }
        finally
        {
            watcher.IsDone = true;
            await done.CancelAsync();
        }
    }

    private async Task<PartitionRecords[]> ReadAsync(FetchQuery query, PartitionExtents[] plan, CancellationToken cancellationToken)
    {
        using var read = new FetchRead(reader, memory, _failures, query, plan, PlanAgainAsync, cancellationToken);
        return await read.ReadAsync();

        async Task<PartitionExtents> PlanAgainAsync(int index)
        {
            var again = new PartitionExtents[query.Partitions.Count];
            await PlanShardAsync(region.ShardOf(query.Partitions[index].Partition), new[] { index }, query, again, cancellationToken);
            return again[index];
        }
    }

    /// <summary>Woken once by whichever sequencer has news first.</summary>
    private sealed class FetchWatcher : IPartitionWatcher
    {
        private readonly TaskCompletionSource _signalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _isDone;

        public Task Signalled => _signalled.Task;

        public bool IsDone
        {
            get => _isDone;
            set => _isDone = value;
        }

        public void Signal() => _signalled.TrySetResult();
    }
}

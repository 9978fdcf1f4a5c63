using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>What it costs on disk to know where records are.</summary>
public sealed class MetadataSpec
{
    private const int PartitionCount = 10_000;
    private const int ShardCount = 64;

    /// <summary>16 records of 1 KiB.</summary>
    private const int BatchBytes = 16_550;

    /// <summary>What fills an object of 8 MiB.</summary>
    private const int BatchesPerFlush = 507;

    private const int Producers = 4;
    private const int BatchesPerRequest = 3;

    /// <summary>For the flushes of this test to be worth several snapshots; that they come early makes it no cheaper.</summary>
    private const int SnapshotSpacingBytes = 16 * 1024;

    private static readonly Guid s_topic = new("00112233-4455-6677-8899-aabbccddeeff");

    private readonly ManualTime _time = new();
    private readonly Random _random = new(1);
    private readonly long[] _numbers = new long[ShardCount];
    private readonly int[] _batches = new int[Producers];

    [Fact]
    public async Task The_journal_of_16_KiB_batches_over_10_000_partitions_writes_less_than_1_percent_of_them()
    {
        const int Flushes = 600;
        await using JournaledNode node = await JournaledNode.StartAsync(_time, ShardCount, snapshotSpacingBytes: SnapshotSpacingBytes);
        await OpenAsync(node);
        long before = node.Sqlite.BytesWritten;
        for (int i = 0; i < Flushes; i++)
        {
            // 100 MB/s.
            _time.Advance(TimeSpan.FromMilliseconds(83));
            await FlushAsync(node);
        }
        double batches = (double)Flushes * BatchesPerFlush;
        double written = node.Sqlite.BytesWritten - before;
        ActorWrite[] writes = [.. node.Journal.Appends.SelectMany(static append => append)];
        double events = writes.Sum(static write => write.Events.Sum(static record => (double)record.Payload.Length));
        double snapshots = writes.Sum(static write => (double)(write.Snapshot?.Payload.Length ?? 0));
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{100 * written / batches / BatchBytes:f3} % written, {written / batches:f1} bytes a batch; payload of events {events / batches:f1}, "
            + $"of {writes.Count(static write => write.Snapshot is not null)} snapshots {snapshots / batches:f1}; "
            + $"{(double)node.Journal.Appends.Count / Flushes:f1} appends a flush");

        Assert.InRange(events / batches, 1, 20);
        Assert.InRange(snapshots, 1, 1.5 * events);
        // Not all systems tell what was written. Footers take 0.1 % besides.
        Assert.InRange(written / batches / BatchBytes, 0, 0.009);
    }

    private static async Task OpenAsync(JournaledNode node)
    {
        foreach (IGrouping<int, int> shard in Enumerable.Range(0, PartitionCount).GroupBy(number => node.Region.ShardOf(Partition(number))))
        {
            await JournaledNode.AskAsync<SequencerMessage, ErrorCode>(
                node.Region.LocalSequencer(shard.Key)!, reply => new SequencerMessage.OpenPartitions(s_topic, [.. shard], reply));
        }
    }

    /// <summary>Commits an object as a flush does: producers send to their partitions in turn, and the object is sorted by partition.</summary>
    private async Task FlushAsync(JournaledNode node)
    {
        List<int> arrived = [.. Enumerable.Range(0, BatchesPerFlush).Select(NextPartition)];
        Dictionary<int, long> positions = arrived.Order().Select(static (number, place) => (number, place)).ToDictionary(
            static entry => entry.number, static entry => 8L + ((long)entry.place * BatchBytes));
        var id = ObjectId.Mint(_time.GetUtcNow(), _random);
        long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        IEnumerable<IGrouping<int, BatchToCommit>> shards = arrived
            .Select(number => new BatchToCommit(Partition(number), positions[number], BatchBytes, 16, now - _random.Next(83), -1, -1, -1))
            .GroupBy(batch => node.Region.ShardOf(batch.Partition));
        await Task.WhenAll(shards.Select(CommitAsync));

        async Task CommitAsync(IGrouping<int, BatchToCommit> shard)
        {
            var commit = new ObjectCommit
            {
                ObjectId = id,
                SizeBytes = 8 << 20,
                Node = node.Node,
                PreviousNumber = _numbers[shard.Key],
                Number = ++_numbers[shard.Key],
                Batches = [.. shard],
            };
            CommitReply reply = await JournaledNode.AskAsync<SequencerMessage, CommitReply>(
                node.Region.LocalSequencer(shard.Key)!, answer => new SequencerMessage.Commit(commit, answer));
            Assert.Equal(CommitRefusal.None, reply.Refusal);
        }
    }

    private int NextPartition(int arrival)
    {
        const int Share = PartitionCount / Producers;
        int producer = arrival / BatchesPerRequest % Producers;
        return (producer * Share) + (_batches[producer]++ % Share);
    }

    private static TopicPartition Partition(int number) => new(s_topic, number);
}

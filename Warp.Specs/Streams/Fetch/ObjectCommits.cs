using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Format;
using Xunit;

namespace Warp.Specs.Streams.Fetch;

/// <summary>Puts objects and commits them as a node does, but with a layout of the test's choice.</summary>
internal sealed class ObjectCommits(StreamsWorld world)
{
    private static int s_nodes = 1000;

    private readonly NodeIncarnation _node = new(Interlocked.Increment(ref s_nodes), 1);
    private readonly Dictionary<int, long> _numbers = [];
    private static int s_made;

    // Each has a seed of its own: two that mint in the same millisecond must not make the same id.
    private readonly Random _random = new(Interlocked.Increment(ref s_made));

    /// <summary>The object that was written last.</summary>
    public ObjectId LastId { get; private set; }

    /// <summary>Changes what the sequencers are told of a batch.</summary>
    public Func<BatchToCommit, BatchToCommit>? Claim { get; set; }

    /// <summary>Changes the object's bytes on their way to the store; null keeps it out of the store.</summary>
    public Func<byte[], byte[]?>? Damage { get; set; }

    /// <summary>Writes one object with these batches and commits it; every batch must be taken.</summary>
    /// <returns>The base offset of each batch.</returns>
    public async Task<long[]> WriteAsync(params (TopicPartition Partition, byte[] Batch)[] batches)
    {
        var toWrite = new BatchToWrite[batches.Length];
        var headers = new RecordBatchHeader[batches.Length];
        for (int i = 0; i < batches.Length; i++)
        {
            (TopicPartition partition, byte[] bytes) = batches[i];
            Assert.True(RecordBatchHeader.TryRead(bytes, out headers[i]));
            toWrite[i] = new BatchToWrite(partition.TopicId, partition.Partition, bytes, headers[i].RecordsCount, headers[i].MaxTimestamp);
        }
        LastId = ObjectId.Mint(world.Node.Leases.Clock.Now, _random);
        using EncodedObject encoded = ObjectWriter.Encode(LastId, LastId.Time, "cluster", toWrite);
        byte[] content = [.. encoded.Content.SelectMany(static block => block.ToArray())];
        if ((Damage is { } damage ? damage(content) : content) is { } stored)
            await world.Store.AddAsync(world.Keys.Object(0, LastId), [stored]);

        var offsets = new long[batches.Length];
        IEnumerable<int> all = Enumerable.Range(0, batches.Length);
        foreach (IGrouping<int, int> shard in all.GroupBy(i => world.Region.ShardOf(batches[i].Partition)))
        {
            BatchToCommit[] toCommit = [.. shard.Select(i => ToCommit(batches[i].Partition, encoded.Positions[i], headers[i]))];
            CommitReply reply = await CommitAsync(shard.Key, encoded.Length, toCommit);
            foreach ((int i, BatchOutcome outcome) in shard.Zip(reply.Batches))
            {
                Assert.Equal(ErrorCode.None, outcome.Answer.Error);
                offsets[i] = outcome.Answer.BaseOffset;
            }
        }
        return offsets;
    }

    private BatchToCommit ToCommit(TopicPartition partition, long position, in RecordBatchHeader header)
    {
        var batch = new BatchToCommit(
            partition, position, header.SizeBytes, header.LastOffsetDelta + 1, header.MaxTimestamp,
            header.ProducerId, header.ProducerEpoch, header.BaseSequence);
        return Claim is { } claim ? claim(batch) : batch;
    }

    private async Task<CommitReply> CommitAsync(int shard, long objectSize, IReadOnlyList<BatchToCommit> batches)
    {
        long last = _numbers.GetValueOrDefault(shard);
        var commit = new ObjectCommit
        {
            ObjectId = LastId,
            SizeBytes = objectSize,
            Node = _node,
            Number = last + 1,
            PreviousNumber = last,
            Batches = batches,
        };
        CommitReply reply = await world.Region.Sequencer(shard).AskAsync<CommitReply>(
            answer => new SequencerMessage.Commit(commit, answer), StreamsWorld.Patience, CancellationToken.None);
        Assert.Equal(CommitRefusal.None, reply.Refusal);
        _numbers[shard] = last + 1;
        return reply;
    }
}

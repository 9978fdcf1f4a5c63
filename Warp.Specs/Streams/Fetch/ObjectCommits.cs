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
        WrittenObject written = await PutAsync(batches);
        LastId = written.Id;
        return await CommitAsync(written);
    }

    /// <summary>Writes many objects, several at a time, and commits them in their order.</summary>
    public async Task WriteManyAsync(IEnumerable<(TopicPartition Partition, byte[] Batch)[]> objects)
    {
        foreach ((TopicPartition Partition, byte[] Batch)[][] some in objects.Chunk(16))
        {
            foreach (WrittenObject written in await Task.WhenAll(some.Select(PutAsync)))
                await CommitAsync(written);
        }
    }

    /// <summary>Writes one object with batches of an idempotent producer of which the later ones come first.</summary>
    public async Task WriteHeldAsync(TopicPartition partition, params byte[][] batches)
    {
        WrittenObject written = await PutAsync([.. batches.Select(batch => (partition, batch))]);
        LastId = written.Id;
        CommitReply reply = await CommitAsync(world.Region.ShardOf(partition), written, written.Batches);
        foreach (BatchOutcome outcome in reply.Batches)
        {
            BatchAnswer answer = outcome.Held is { } held ? await held.WaitAsync(StreamsWorld.Patience) : outcome.Answer;
            Assert.Equal(ErrorCode.None, answer.Error);
        }
    }

    /// <summary>Commits to all shards at once.</summary>
    private async Task<long[]> CommitAsync(WrittenObject written)
    {
        var offsets = new long[written.Batches.Length];
        IEnumerable<int> all = Enumerable.Range(0, offsets.Length);
        await Task.WhenAll(all.GroupBy(i => world.Region.ShardOf(written.Batches[i].Partition)).ToList().Select(async shard =>
        {
            CommitReply reply = await CommitAsync(shard.Key, written, [.. shard.Select(i => written.Batches[i])]);
            foreach ((int i, BatchOutcome outcome) in shard.Zip(reply.Batches))
            {
                Assert.Equal(ErrorCode.None, outcome.Answer.Error);
                offsets[i] = outcome.Answer.BaseOffset;
            }
        }));
        return offsets;
    }

    private async Task<WrittenObject> PutAsync((TopicPartition Partition, byte[] Batch)[] batches)
    {
        var toWrite = new BatchToWrite[batches.Length];
        var headers = new RecordBatchHeader[batches.Length];
        for (int i = 0; i < batches.Length; i++)
        {
            (TopicPartition partition, byte[] bytes) = batches[i];
            Assert.True(RecordBatchHeader.TryRead(bytes, out headers[i]));
            toWrite[i] = new BatchToWrite(partition.TopicId, partition.Partition, bytes, headers[i].RecordsCount, headers[i].MaxTimestamp);
        }
        var id = ObjectId.Mint(world.Node.Leases.Clock.Now, _random);
        using EncodedObject encoded = ObjectWriter.Encode(id, id.Time, "cluster", toWrite);
        byte[] content = [.. encoded.Content.SelectMany(static block => block.ToArray())];
        if ((Damage is { } damage ? damage(content) : content) is { } stored)
            await world.Store.AddAsync(world.Keys.Object(0, id), [stored]);
        BatchToCommit[] toCommit = [.. batches.Select((batch, i) => ToCommit(batch.Partition, encoded.Positions[i], headers[i]))];
        return new WrittenObject(id, encoded.Length, toCommit);
    }

    private BatchToCommit ToCommit(TopicPartition partition, long position, in RecordBatchHeader header)
    {
        var batch = new BatchToCommit(
            partition, position, header.SizeBytes, header.LastOffsetDelta + 1, header.MaxTimestamp,
            header.ProducerId, header.ProducerEpoch, header.BaseSequence);
        return Claim is { } claim ? claim(batch) : batch;
    }

    private async Task<CommitReply> CommitAsync(int shard, WrittenObject written, IReadOnlyList<BatchToCommit> batches)
    {
        long last = _numbers.GetValueOrDefault(shard);
        _numbers[shard] = last + 1;
        var commit = new ObjectCommit
        {
            ObjectId = written.Id,
            SizeBytes = written.SizeBytes,
            Node = _node,
            Number = last + 1,
            PreviousNumber = last,
            Batches = batches,
        };
        CommitReply reply = await world.Region.Sequencer(shard).AskAsync<CommitReply>(
            answer => new SequencerMessage.Commit(commit, answer), StreamsWorld.Patience, CancellationToken.None);
        Assert.Equal(CommitRefusal.None, reply.Refusal);
        return reply;
    }

    private sealed record WrittenObject(ObjectId Id, long SizeBytes, BatchToCommit[] Batches);
}

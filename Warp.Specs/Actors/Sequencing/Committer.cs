using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>Makes the commits of one node to one shard, numbered and laid out as a flush would.</summary>
internal sealed class Committer(NodeIncarnation node, Random random, Func<DateTimeOffset> now)
{
    /// <summary>The number of the last commit.</summary>
    public long LastNumber { get; private set; }

    /// <summary>The next commit; its batches lie in the object one after the other.</summary>
    public ObjectCommit Next(params ReadOnlySpan<BatchToCommit> batches) => At(now(), batches);

    /// <summary>The next commit, of an object with an id of that time.</summary>
    public ObjectCommit At(DateTimeOffset time, params ReadOnlySpan<BatchToCommit> batches)
    {
        var placed = new BatchToCommit[batches.Length];
        long position = 64;
        for (int i = 0; i < placed.Length; i++)
        {
            placed[i] = batches[i] with { Position = position };
            position += placed[i].Length;
        }
        return new ObjectCommit
        {
            ObjectId = ObjectId.Mint(time, random),
            SizeBytes = position + 100,
            Node = node,
            PreviousNumber = LastNumber,
            Number = ++LastNumber,
            Batches = placed,
        };
    }

    /// <summary>Takes the last number back, as a node does when a commit was refused for good.</summary>
    public void GiveUp() => LastNumber--;

    /// <summary>A batch of a producer without an id.</summary>
    public static BatchToCommit Batch(TopicPartition partition, int count = 1, long timestamp = 1000) =>
        new(partition, 0, 100 * count, count, timestamp, -1, -1, -1);

    /// <summary>A batch of an idempotent producer.</summary>
    public static BatchToCommit From(TopicPartition partition, long producerId, int sequence, int count = 1, short epoch = 0) =>
        new(partition, 0, 100 * count, count, 1000, producerId, epoch, sequence);
}

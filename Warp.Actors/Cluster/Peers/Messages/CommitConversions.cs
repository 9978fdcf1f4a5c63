using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Commits, between what actors know and what travels.</summary>
internal static class CommitConversions
{
    public static CommitObjectRequest ToPeer(int shardId, ObjectCommit commit) => new()
    {
        ShardId = shardId,
        ObjectId = commit.ObjectId.ToGuid(),
        SizeBytes = commit.SizeBytes,
        NodeId = commit.Node.NodeId,
        Incarnation = commit.Node.Incarnation,
        Number = commit.Number,
        PreviousNumber = commit.PreviousNumber,
        Batches = [.. commit.Batches.Select(static batch => new CommitObjectRequest.CommitBatch
        {
            TopicId = batch.Partition.TopicId,
            Partition = batch.Partition.Partition,
            Position = batch.Position,
            Length = batch.Length,
            OffsetCount = batch.OffsetCount,
            MaxTimestamp = batch.MaxTimestamp,
            ProducerId = batch.ProducerId,
            ProducerEpoch = batch.ProducerEpoch,
            BaseSequence = batch.BaseSequence,
        })],
    };

    public static ObjectCommit FromPeer(CommitObjectRequest commit) => new()
    {
        ObjectId = commit.ObjectId.ToObjectId(),
        SizeBytes = commit.SizeBytes,
        Node = new NodeIncarnation(commit.NodeId, commit.Incarnation),
        Number = commit.Number,
        PreviousNumber = commit.PreviousNumber,
        Batches = [.. commit.Batches.Select(static batch => new BatchToCommit(
            new TopicPartition(batch.TopicId, batch.Partition),
            batch.Position,
            batch.Length,
            batch.OffsetCount,
            batch.MaxTimestamp,
            batch.ProducerId,
            batch.ProducerEpoch,
            batch.BaseSequence))],
    };

    public static CommitObjectResponse ToPeer(CommitReply reply) => new()
    {
        Refusal = (sbyte)reply.Refusal,
        Batches = [.. reply.Batches.Select(static outcome => new CommitObjectResponse.CommitBatchOutcome
        {
            Answer = outcome.Held is null ? outcome.Answer.ToPeer() : null,
        })],
    };
}

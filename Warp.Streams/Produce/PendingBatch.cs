using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Streams.Produce;

/// <summary>
/// A validated record batch on its way to the store. Its bytes are the ones the client sent, in the buffer they were received in.
/// </summary>
public sealed class PendingBatch
{
    private PooledBuffer? _owner;

    /// <param name="partition">Where it goes.</param>
    /// <param name="bytes">The batch, a slice of <paramref name="owner"/>.</param>
    /// <param name="owner">A reference is taken, and released once the bytes have been copied into an object or never will be.</param>
    /// <param name="header">The batch's header, as validated.</param>
    public PendingBatch(TopicPartition partition, ReadOnlyMemory<byte> bytes, PooledBuffer owner, in RecordBatchHeader header)
    {
        Partition = partition;
        Bytes = bytes;
        OffsetCount = header.LastOffsetDelta + 1;
        MaxTimestamp = header.MaxTimestamp;
        ProducerId = header.ProducerId;
        ProducerEpoch = header.ProducerEpoch;
        BaseSequence = header.BaseSequence;
        owner.AddReference();
        _owner = owner;
    }

    public TopicPartition Partition { get; }

    /// <summary>Valid until <see cref="ReleaseBytes"/>.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    public int OffsetCount { get; }

    public long MaxTimestamp { get; }

    public long ProducerId { get; }

    public short ProducerEpoch { get; }

    public int BaseSequence { get; }

    /// <summary>When it came to the pipeline, in the pipeline's time.</summary>
    internal TimeSpan GatheredAt { get; set; }

    /// <summary>Whose request ends with it; null for the other batches of a request.</summary>
    internal IProduceSource? EndsRequestOf { get; set; }

    /// <summary>The answer, in the end: never an exception.</summary>
    public Task<BatchAnswer> Answer => _answer.Task;

    private readonly Reply<BatchAnswer> _answer = new();

    internal void Set(in BatchAnswer answer) => _answer.Set(answer);

    internal void Fail(ErrorCode error) => Set(BatchAnswer.Failed(error));

    /// <summary>Fails a batch whose bytes nobody has begun to use.</summary>
    internal void Abandon()
    {
        ReleaseBytes();
        Fail(ErrorCode.NotLeaderOrFollower);
    }

    /// <summary>Gives the received bytes back; more calls do nothing.</summary>
    internal void ReleaseBytes()
    {
        if (Interlocked.Exchange(ref _owner, null) is not { } owner)
            return;
        Bytes = default;
        owner.Release();
    }

    internal BatchToCommit ToCommit(long position, int length) =>
        new(Partition, position, length, OffsetCount, MaxTimestamp, ProducerId, ProducerEpoch, BaseSequence);
}

using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Streams.Produce;

/// <summary>
/// A validated record batch on its way to the store. Its bytes are the ones the client sent, in the buffer they were received in. With its
/// request it may be used again for another batch, once it is answered (<see cref="PendingRequest"/>).
/// </summary>
public sealed class PendingBatch
{
    private const int Unanswered = 0;
    private const int Answering = 1;
    private const int Answered = 2;

    private PooledBuffer? _owner;
    private BatchAnswer _answer;
    private int _state;
    private Reply<BatchAnswer>? _reply;

    /// <param name="partition">Where it goes.</param>
    /// <param name="bytes">The batch, a slice of <paramref name="owner"/>.</param>
    /// <param name="owner">A reference is taken, and released once the bytes have been copied into an object or never will be.</param>
    /// <param name="header">The batch's header, as validated.</param>
    public PendingBatch(TopicPartition partition, ReadOnlyMemory<byte> bytes, PooledBuffer owner, in RecordBatchHeader header) =>
        Begin(partition, bytes, owner, header);

    /// <summary>Makes it another batch, with its next request (<see cref="PendingRequest"/>).</summary>
    public void Begin(TopicPartition partition, ReadOnlyMemory<byte> bytes, PooledBuffer owner, in RecordBatchHeader header)
    {
        Partition = partition;
        Bytes = bytes;
        Length = bytes.Length;
        OffsetCount = header.LastOffsetDelta + 1;
        MaxTimestamp = header.MaxTimestamp;
        ProducerId = header.ProducerId;
        ProducerEpoch = header.ProducerEpoch;
        BaseSequence = header.BaseSequence;
        owner.AddReference();
        _owner = owner;
        _reply = null;
        Volatile.Write(ref _state, Unanswered);
    }

    public TopicPartition Partition { get; private set; }

    /// <summary>Valid until <see cref="ReleaseBytes"/>.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    /// <summary>How many bytes they are.</summary>
    public int Length { get; private set; }

    public int OffsetCount { get; private set; }

    public long MaxTimestamp { get; private set; }

    public long ProducerId { get; private set; }

    public short ProducerEpoch { get; private set; }

    public int BaseSequence { get; private set; }

    /// <summary>The request that it came in, once that is on its way.</summary>
    internal PendingRequest? Request { get; set; }

    /// <summary>Where its bytes lie in their object, once that is encoded.</summary>
    internal long Position { get; set; }

    /// <summary>When it came to the pipeline, in the pipeline's time.</summary>
    internal TimeSpan GatheredAt => Request!.GatheredAt;

    /// <summary>The answer, in the end: never an exception. Who waits for all batches of a request asks that.</summary>
    public Task<BatchAnswer> Answer
    {
        get
        {
            Reply<BatchAnswer> reply = LazyInitializer.EnsureInitialized(ref _reply);
            if (TryGetAnswer(out BatchAnswer answer))
                reply.Set(answer);
            return reply.Task;
        }
    }

    /// <summary>The answer, if it is there.</summary>
    public bool TryGetAnswer(out BatchAnswer answer)
    {
        bool isAnswered = Volatile.Read(ref _state) == Answered;
        answer = isAnswered ? _answer : default;
        return isAnswered;
    }

    /// <summary>Answers it; the first answer counts. Whoever answers it has no more to do with it, unless he keeps it from being used again.</summary>
    internal void Set(in BatchAnswer answer)
    {
        if (Interlocked.CompareExchange(ref _state, Answering, Unanswered) != Unanswered)
            return;
        _answer = answer;
        // With a full fence: either this sees the reply that somebody has just made, or he sees the answer.
        Interlocked.Exchange(ref _state, Answered);
        _reply?.Set(answer);
        Request?.CountAnswer();
    }

    internal void Fail(ErrorCode error) => Set(BatchAnswer.Failed(error));

    /// <summary>Fails a batch that others may still look at.</summary>
    internal void Abandon()
    {
        Request?.KeepFromReuse();
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

    internal BatchToCommit ToCommit() =>
        new(Partition, Position, Length, OffsetCount, MaxTimestamp, ProducerId, ProducerEpoch, BaseSequence);
}

using Warp.Actors.Sequencing;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Streams.Produce;

namespace Warp.Specs.Streams.Produce;

/// <summary>Requests that are used again as soon as they may be, with their batches, by whoever comes next.</summary>
internal sealed class ReusedRequest : PendingRequest
{
    private static readonly ObjectPool<ReusedRequest> s_idle = new(maxIdle: 1000);
    private static int s_uses;
    private static int s_recycled;

    private ReusedRequest()
    {
    }

    /// <summary>How many have come back.</summary>
    public static int RecycledCount => Volatile.Read(ref s_recycled);

    /// <summary>Hands batches to the pipeline as one request.</summary>
    /// <param name="world">Whose pipeline.</param>
    /// <param name="partition">Where they go.</param>
    /// <param name="batches">One or more.</param>
    /// <returns>The answer of each.</returns>
    public static Task<BatchAnswer>[] Send(StreamsWorld world, TopicPartition partition, IReadOnlyList<byte[]> batches)
    {
        ReusedRequest request = s_idle.TryRent() ?? new ReusedRequest();
        foreach (byte[] batch in batches)
            request.Add(world, partition, batch);
        request.Begin(StreamsWorld.Patience, source: null);
        // Who asks for an answer later may be told that of somebody else.
        var answers = new Task<BatchAnswer>[batches.Count];
        for (int i = 0; i < answers.Length; i++)
            answers[i] = request.Batches[i].Answer;
        Task asker = Interlocked.Increment(ref s_uses) % 2 == 0 ? request.WhenAnswered.AsTask() : Task.CompletedTask;
        world.Pipeline.Tell(new FlushMessage.Add(request));
        _ = request.LeaveAsync(asker);
        return answers;
    }

    protected override void Recycle()
    {
        Interlocked.Increment(ref s_recycled);
        s_idle.Return(this);
    }

    private void Add(StreamsWorld world, TopicPartition partition, byte[] bytes)
    {
        using PooledBuffer buffer = world.Batches.Rent(bytes);
        if (!RecordBatchHeader.TryRead(bytes, out RecordBatchHeader header))
            throw new ArgumentException("These bytes are no record batch.", nameof(bytes));
        PendingBatch? batch = Spare;
        if (batch is null)
            batch = new PendingBatch(partition, buffer.Memory, buffer, header);
        else
            batch.Begin(partition, buffer.Memory, buffer, header);
        Add(batch);
    }

    private async Task LeaveAsync(Task asker)
    {
        await asker;
        Leave();
    }
}

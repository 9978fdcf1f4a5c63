using System.Threading.Tasks.Sources;
using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Streams.Produce;

namespace Warp.Node.Handlers;

/// <summary>
/// A produce request whose batches are on their way; awaited, it is the response, which is to be disposed once it has been written. Then it
/// may be used again for another request.
/// </summary>
internal sealed class ProduceCall : PendingRequest, IValueTaskSource<IResponse?>, IThrottledResponse, IDisposable
{
    /// <summary>One with more batches than that is given up: it came of an unusual request.</summary>
    private const int MaxKeptBatches = 64;

    private readonly ObjectPool<ProduceCall> _pool;
    private readonly FlushMessage.Add _message;
    private RequestContext? _context;
    private short _acks;

    /// <param name="pool">Where it goes when nobody uses it any more.</param>
    public ProduceCall(ObjectPool<ProduceCall> pool)
    {
        _pool = pool;
        _message = new FlushMessage.Add(this);
    }

    /// <summary>What refused batches have their errors in, and accepted ones no error yet.</summary>
    public FlatProduceResponse Answers { get; } = new();

    public ApiKey ApiKey => Answers.ApiKey;

    public int ThrottleTimeMs
    {
        get => Answers.ThrottleTimeMs;
        set => Answers.ThrottleTimeMs = value;
    }

    /// <summary>A batch that may be used again for the next one that is accepted.</summary>
    public new PendingBatch? Spare => base.Spare;

    /// <summary>Adds a batch that was accepted, in the answers' order.</summary>
    public void Accept(PendingBatch batch) => Add(batch);

    /// <summary>Sends off what has been accepted.</summary>
    /// <param name="context">The request.</param>
    /// <param name="acks">Whether the client wants a response.</param>
    /// <param name="timeout">How long the client waits.</param>
    /// <param name="pipeline">Where the batches go.</param>
    /// <returns>The response, to be awaited once; null for none.</returns>
    public ValueTask<IResponse?> SendAsync(RequestContext context, short acks, TimeSpan timeout, ActorRef<FlushMessage> pipeline)
    {
        _context = context;
        _acks = acks;
        Begin(timeout, context.Source);
        if (Batches.IsEmpty)
            return ValueTask.FromResult<IResponse?>(Finish());
        var response = new ValueTask<IResponse?>(this, Version);
        pipeline.Tell(_message);
        return response;
    }

    public void Write(WireWriter writer, short version) => Answers.Write(writer, version);

    public void Dispose() => Leave();

    IResponse? IValueTaskSource<IResponse?>.GetResult(short token)
    {
        GetResult(token);
        int next = 0;
        foreach (ref FlatProduceResponse.Partition answer in Answers.Partitions)
        {
            // What has an error already is not among the batches.
            if (answer.ErrorCode == ErrorCode.None)
                Fill(ref answer, Batches[next++]);
        }
        return Finish();
    }

    protected override void Recycle()
    {
        _context = null;
        Answers.Clear();
        if (Capacity <= MaxKeptBatches)
            _pool.Return(this);
    }

    /// <summary>With <c>acks=0</c> there is no response; an error closes the connection instead.</summary>
    private ProduceCall? Finish()
    {
        if (_acks != 0)
            return this;
        foreach (ref readonly FlatProduceResponse.Partition answer in Answers.Partitions)
            _context!.CloseConnection |= answer.ErrorCode != ErrorCode.None;
        Leave();
        return null;
    }

    private static void Fill(ref FlatProduceResponse.Partition answer, PendingBatch batch)
    {
        if (!batch.TryGetAnswer(out BatchAnswer result))
        {
            // The batch goes on; a client that sends it again is told its first offset.
            answer.ErrorCode = ErrorCode.RequestTimedOut;
            return;
        }
        answer.ErrorCode = result.Error;
        answer.BaseOffset = result.BaseOffset;
        answer.LogStartOffset = result.LogStartOffset;
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Warp.Load.Measuring;
using Warp.Load.Pacing;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;

namespace Warp.Load.Connections;

/// <summary>
/// Sends Produce requests from templates, in turn, each when it is due, as long as the window of unanswered ones has room; takes the
/// answers, which come in the order of the requests. One sending and one receiving task.
/// </summary>
internal sealed class ProducerConnection(
    Socket socket, IReadOnlyList<RequestTemplate> templates, short version, int inFlight, RunClock clock, RunWindow window)
{
    /// <summary>How long the last answers may take.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _room = new(inFlight, inFlight);
    private readonly Pending[] _pending = new Pending[inFlight];
    private readonly ApiSpec _spec = ApiSpecs.Get(ApiKey.Produce);
    private int _sent;
    private int _answered;

    public ConnectionTotals Totals { get; } = new();

    /// <summary>Sends until nothing is due any more, and waits for the answers. Never fails: what failed is in the totals.</summary>
    public async Task RunAsync(IArrivals arrivals)
    {
        Task receiving = ReceiveAsync();
        await SendAsync(arrivals);
        // All of the room again means that everything has been answered.
        using var patience = new CancellationTokenSource(s_patience);
        try
        {
            for (int i = 0; i < inFlight && !receiving.IsCompleted; i++)
                await _room.WaitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // Counted below.
        }
        Totals.Unanswered = Volatile.Read(ref _sent) - Volatile.Read(ref _answered);
        socket.Dispose();
        await receiving;
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever ends the sending is part of the result.")]
    private async Task SendAsync(IArrivals arrivals)
    {
        try
        {
            for (int next = 0; await arrivals.NextAsync() is var due and not IArrivals.End; next++)
            {
                await _room.WaitAsync();
                RequestTemplate template = templates[next % templates.Count];
                int sequence = template.Batch.IsIdempotent
                    ? (int)(template.Sendings * template.Batch.Records & int.MaxValue)
                    : RecordBatchHeader.NoSequence;
                template.Batch.Stamp(clock.UnixMs(due), sequence);
                int number = _sent;
                _pending[number % inFlight] = new Pending(due, template.RecordBytes, template.RecordCount);
                Volatile.Write(ref _sent, number + 1);
                await template.SendAsync(socket, number);
            }
        }
        catch (Exception e)
        {
            Totals.Failure ??= e;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever ends the receiving is part of the result.")]
    private async Task ReceiveAsync()
    {
        var frames = new FrameReader(socket);
        try
        {
            while (true)
                Answered(ResponseFrame.Parse(await frames.ReadAsync(), _spec, version));
        }
        catch (Exception e)
        {
            // The socket is closed when all answers are there, or when nobody waits for them any more.
            if (Totals.Unanswered == 0 && Volatile.Read(ref _sent) != _answered)
                Totals.Failure ??= e;
            // Lets the sender go on, into the socket that is broken.
            if (_room.CurrentCount == 0)
                _room.Release();
        }
    }

    private void Answered(in ResponseFrame response)
    {
        int number = _answered;
        if (response.Header.CorrelationId != number)
            throw new IOException($"The broker answered request {response.Header.CorrelationId} where {number} was next.");
        Pending request = _pending[number % inFlight];
        long now = clock.NowMicros;
        bool refused = false;
        foreach (ProduceResponse.TopicProduceResponse topic in ((ProduceResponse)response.Body).Responses)
        {
            foreach (ProduceResponse.PartitionProduceResponse partition in topic.PartitionResponses)
            {
                if (partition.ErrorCode == ErrorCode.None)
                    continue;
                refused = true;
                Totals.Refused(partition.ErrorCode);
            }
        }
        if (!refused)
            Totals.AllBytes += request.Bytes;
        if (!refused && window.Contains(now))
        {
            Totals.Requests++;
            Totals.Bytes += request.Bytes;
            Totals.Records += request.Records;
        }
        if (window.Contains(request.DueMicros))
            Totals.Latency.Record(now - request.DueMicros);
        Volatile.Write(ref _answered, number + 1);
        _room.Release();
    }

    private readonly record struct Pending(long DueMicros, int Bytes, int Records);
}

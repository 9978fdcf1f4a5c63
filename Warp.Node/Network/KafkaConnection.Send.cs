using System.Net.Sockets;
using Warp.Protocol.Wire;

namespace Warp.Node.Network;

internal sealed partial class KafkaConnection
{
    /// <summary>
    /// The most bytes of one call: small enough that a slow client is seen to make progress (8 s at 1 Mbit/s), large enough that the call
    /// costs nothing.
    /// </summary>
    private const int MaxSendBytes = 1 << 20;

    /// <summary>
    /// The most pieces of one call. The kernel takes 1,024, but the runtime makes and pins arrays for more than eight, and does so again
    /// each time a part has been sent: to a client that is slow to take 1 MiB that cost more than the sending. Pieces of an answer have some
    /// KiB at least, since smaller ones are copied together.
    /// </summary>
    private const int MaxSendPieces = 8;

    /// <summary>Responses that are ready are sent together up to this size.</summary>
    private const int BatchBytes = 64 << 10;

    /// <summary>Responses that are written one behind the other, and leave together.</summary>
    private WireWriter? _together;

    private readonly List<ArraySegment<byte>> _pieces = [];
    private int _piecesBytes;

    private async Task SendLoopAsync()
    {
        var batch = new List<OutgoingFrame>();
        bool isLast = false;
        while (!isLast && await _responses.WaitToTakeAsync())
        {
            try
            {
                int taken = 0, bytes = 0;
                while (!isLast && bytes < BatchBytes && _responses.TryTake(ifReady: taken > 0, out QueuedAnswer next))
                {
                    Answer answer = await TakeAsync(next, batch);
                    taken++;
                    isLast = answer.ClosesConnection;
                    bytes += answer.Bytes;
                }
                EndTogether(batch);
                await SendAsync(batch);
                _responses.Release(taken, bytes);
            }
            finally
            {
                DropTogether();
                foreach (OutgoingFrame frame in batch)
                    frame.Dispose();
                batch.Clear();
            }
        }
    }

    /// <summary>Waits for an answer, and puts it behind the others of the batch.</summary>
    private ValueTask<Answer> TakeAsync(in QueuedAnswer next, List<OutgoingFrame> batch)
    {
        if (next.Task is { } task)
            return AddAsync(task, batch);
        _together ??= new WireWriter();
        return AnswerAsync(next.Exchange, _together);
    }

    private async ValueTask<Answer> AddAsync(Task<Answer> task, List<OutgoingFrame> batch)
    {
        EndTogether(batch);
        Answer answer = await task;
        if (answer.Frame is { } frame)
            batch.Add(frame);
        return answer;
    }

    /// <summary>Adds the responses that have been written together to the batch.</summary>
    private void EndTogether(List<OutgoingFrame> batch)
    {
        if (_together is { } writer)
            batch.Add(writer.CompleteFrames());
        _together = null;
    }

    private void DropTogether()
    {
        _together?.Dispose();
        _together = null;
    }

    /// <summary>Waits for all requests that are left, and for the end of receiving, and drops the responses.</summary>
    private async Task DiscardAsync()
    {
        var dropped = new List<OutgoingFrame>();
        await foreach (QueuedAnswer left in _responses.TakeRestAsync())
        {
            await TakeAsync(left, dropped);
            EndTogether(dropped);
            foreach (OutgoingFrame frame in dropped)
                frame.Dispose();
            dropped.Clear();
        }
    }

    private async ValueTask SendAsync(List<OutgoingFrame> frames)
    {
        Volatile.Write(ref _lastSent, _services.Time.GetTimestamp());
        _isSending = true;
        foreach (OutgoingFrame frame in frames)
        {
            foreach (ArraySegment<byte> segment in frame)
                await AddAsync(segment);
        }
        await FlushAsync();
        _isSending = false;
    }

    private async ValueTask AddAsync(ArraySegment<byte> segment)
    {
        while (segment.Count > 0)
        {
            int count = Math.Min(segment.Count, MaxSendBytes - _piecesBytes);
            _pieces.Add(segment[..count]);
            _piecesBytes += count;
            segment = segment[count..];
            if (_piecesBytes == MaxSendBytes || _pieces.Count == MaxSendPieces)
                await FlushAsync();
        }
    }

    private async ValueTask FlushAsync()
    {
        while (_pieces.Count > 0)
        {
            int sent = _pieces.Count == 1
                ? await _socket.SendAsync(_pieces[0].AsMemory(), SocketFlags.None)
                : await _socket.SendAsync(_pieces, SocketFlags.None);
            Volatile.Write(ref _lastSent, _services.Time.GetTimestamp());
            _services.Metrics.Sent(sent);
            DropSent(sent);
        }
    }

    private void DropSent(int sent)
    {
        _piecesBytes -= sent;
        int whole = 0;
        while (whole < _pieces.Count && sent >= _pieces[whole].Count)
            sent -= _pieces[whole++].Count;
        _pieces.RemoveRange(0, whole);
        if (sent > 0)
            _pieces[0] = _pieces[0][sent..];
    }

    /// <summary>
    /// Lets the client close first. To close while bytes of it are unread resets the connection, which may destroy the last responses.
    /// </summary>
    private async Task LingerAsync()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
            using var limit = new CancellationTokenSource(s_linger, _services.Time);
            var scrap = new byte[4096];
            while (await _socket.ReceiveAsync(scrap, SocketFlags.None, limit.Token) > 0)
            {
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Closed, reset or too slow: it had its time.
        }
    }
}

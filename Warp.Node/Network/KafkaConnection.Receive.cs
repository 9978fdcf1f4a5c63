using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Node.Network;

internal sealed partial class KafkaConnection
{
    private const int LengthBytes = 4;

    /// <summary>API key, version and correlation id: what every request begins with.</summary>
    private const int HeaderStartBytes = 8;

    /// <summary>The largest request that is read only to be told that its version is unknown.</summary>
    private const int MaxUnreadableBytes = 64 << 10;

    /// <summary>
    /// The largest request that brings no records: several times what it takes to name a hundred thousand partitions. Its objects take many
    /// times its size.
    /// </summary>
    private const int MaxOtherBytes = 8 << 20;

    /// <summary>What an answer with records is taken for until it is there: no other is begun behind it.</summary>
    private const int ExpectedFetchBytes = ResponseQueue.MaxUnsentBytes + 1;

    /// <summary>Of requests whose answers have been looked at in their turn: nobody has them any more.</summary>
    private readonly ObjectPool<RequestContext> _contexts;

    /// <summary>Length and header start of the frame that is being received. All that an idle connection holds.</summary>
    private readonly byte[] _start = new byte[LengthBytes + HeaderStartBytes];

    private async Task ReceiveLoopAsync()
    {
        while (true)
        {
            if (!await ReceiveStartAsync())
            {
                // Nobody is there any more to read the answers.
                End();
                return;
            }
            _stage = ReceiveStage.HeldUp;
            await _responses.WaitForRoomAsync(_stopReading.Token);
            await WaitWhileMutedAsync();
            var start = FrameStart.Read(_start);
            if (FindHandler(start) is { } handler)
                Dispatch(handler, await ReceiveRestAsync(start));
            else
                await AnswerUnknownApiVersionsAsync(start);
        }
    }

    /// <summary>Receives a frame's start; false when the client has closed the connection.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ReceiveStartAsync()
    {
        _stage = ReceiveStage.Idle;
        _holdsRoomOf = null;
        int received = 0;
        while (received < _start.Length)
        {
            int count = await ReceiveAsync(_start.AsMemory(received));
            if (count == 0)
                return false;
            received += count;
            _stage = ReceiveStage.InFrame;
            if (received >= LengthBytes)
                CheckLength(BinaryPrimitives.ReadInt32BigEndian(_start));
        }
        return true;
    }

    /// <summary>Receives the rest of a frame, straight into the buffer that the handler gets, once there is room for it.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<PooledBuffer> ReceiveRestAsync(FrameStart start)
    {
        _stage = ReceiveStage.HeldUp;
        BufferBudget budget = _services.BudgetOf(start.Api);
        await budget.TakeAsync(start.Length, _stopReading.Token);
        _holdsRoomOf = budget;
        var buffer = PooledBuffer.Rent(start.Length, budget.Returned);
        try
        {
            _start.AsSpan(LengthBytes).CopyTo(buffer.Memory.Span);
            Volatile.Write(ref _lastReceived, _services.Time.GetTimestamp());
            _stage = ReceiveStage.InFrame;
            for (int received = HeaderStartBytes; received < start.Length;)
            {
                int count = await ReceiveAsync(buffer.Memory[received..]);
                if (count == 0)
                    throw new SocketException((int)SocketError.ConnectionReset);
                received += count;
            }
            return buffer;
        }
        catch
        {
            buffer.Release();
            throw;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReceiveAsync(Memory<byte> into)
    {
        int count = await _socket.ReceiveAsync(into, SocketFlags.None, _stopReading.Token);
        Volatile.Write(ref _lastReceived, _services.Time.GetTimestamp());
        _services.Metrics.Received(count);
        return count;
    }

    private void CheckLength(int length)
    {
        if (length < HeaderStartBytes || length > _services.Limits.RequestSizeBytes)
        {
            throw new RequestRejectedException(
                RequestRejectedException.BadLength,
                $"{length} bytes, where {HeaderStartBytes} to {_services.Limits.RequestSizeBytes} are allowed.");
        }
    }

    /// <summary>
    /// The handler of a request, before a buffer is spent on it; null for ApiVersions in a version that nobody knows (KIP-511).
    /// </summary>
    private ApiHandler? FindHandler(FrameStart start)
    {
        if (!_services.Dispatcher.TryFind(start.Api, out ApiHandler? handler))
            throw new RequestRejectedException(RequestRejectedException.UnknownApi, $"The API {(short)start.Api} is not served.");
        if (ApiDispatcher.Serves(handler, start.Version))
        {
            if (start.Api != ApiKey.Produce && start.Length > MaxOtherBytes)
                throw new RequestRejectedException(RequestRejectedException.BadLength, $"{start.Api} has {start.Length} bytes, where {MaxOtherBytes} are allowed.");
            return handler;
        }
        if (start.Api == ApiKey.ApiVersions && start.Length <= MaxUnreadableBytes)
            return null;
        throw new RequestRejectedException(
            RequestRejectedException.UnsupportedVersion,
            $"{start.Api} has the versions {handler.MinVersion} to {handler.MaxVersion}, not {start.Version}.");
    }

    private async ValueTask AnswerUnknownApiVersionsAsync(FrameStart start)
    {
        (await ReceiveRestAsync(start)).Release();
        OutgoingFrame answer = ResponseFrame.Write(start.CorrelationId, _services.Dispatcher.UnknownApiVersions, version: 0);
        _responses.Put(new QueuedAnswer(Task.FromResult(new Answer(answer, answer.Length, ClosesConnection: false))), answer.Length);
    }

    private void Dispatch(ApiHandler handler, PooledBuffer buffer)
    {
        long started = _services.Time.GetTimestamp();
        RequestContext context;
        IRequest request;
        try
        {
            RequestFrame frame = RequestFrame.Parse(buffer.Memory);
            request = handler.Read(frame);
            context = ContextOf(frame.Header, buffer, handler.AnswersInOrder);
        }
        catch
        {
            buffer.Release();
            throw;
        }
        Exchange exchange = Begin(handler, context, request, started);
        QueuedAnswer answer = handler.AnswersInOrder ? new QueuedAnswer(exchange) : new QueuedAnswer(AnswerAsync(exchange).AsTask());
        _responses.Put(answer, exchange.ExpectedBytes);
    }

    private RequestContext ContextOf(in RequestHeader header, PooledBuffer frame, bool mayUseAgain)
    {
        if (mayUseAgain && _contexts.TryRent() is { } idle)
        {
            idle.UseAgain(header, frame);
            return idle;
        }
        return new RequestContext
        {
            Header = header,
            Frame = frame,
            ConnectionId = Id,
            Source = this,
            RemoteEndPoint = _peer,
            ConnectionClosed = _closed.Token,
        };
    }

    /// <summary>Runs the first part of a handler. Never fails.</summary>
    private Exchange Begin(ApiHandler handler, RequestContext context, IRequest request, long started)
    {
        ValueTask<IResponse?> handling;
        try
        {
            handling = _services.Throttle?.Refuse(context, request) is { } refusal
                ? ValueTask.FromResult<IResponse?>(refusal)
                : handler.HandleAsync(context, request);
        }
        catch (Exception error)
        {
            handling = ValueTask.FromException<IResponse?>(error);
        }
        // Parsing, and the handler up to its first wait; what comes after it runs on whatever thread, and is little.
        TimeSpan busy = _services.Time.GetElapsedTime(started);
        int expectedBytes = (ApiKey)context.Header.ApiKey == ApiKey.Fetch ? ExpectedFetchBytes : context.ExpectedBytes;
        return new Exchange(context, handling, started, busy, expectedBytes);
    }

    /// <summary>Waits for a handler, and makes the frame of its response. Never fails: what fails is logged.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="together">Where the response is written behind others; null for a frame of its own.</param>
    private async ValueTask<Answer> AnswerAsync(Exchange exchange, WireWriter? together = null)
    {
        RequestContext context = exchange.Context;
        bool isDone = false;
        string api = ApiSpecs.Get((ApiKey)context.Header.ApiKey).Name;
        try
        {
            IResponse? response = await exchange.Handling;
            if (_services.Throttle?.Charge(context, response, exchange.Busy) is { Milliseconds: > 0 } pause)
                Mute(pause);
            var answer = new Answer(null, 0, context.CloseConnection);
            if (response is not null && together is not null)
            {
                answer = answer with { Bytes = ResponseFrame.Append(together, context.Header.CorrelationId, response, context.Version) };
                (response as IDisposable)?.Dispose();
            }
            else if (response is not null)
            {
                OutgoingFrame frame = ResponseFrame.Write(context.Header.CorrelationId, response, context.Version);
                answer = answer with { Frame = frame, Bytes = frame.Length };
            }
            _responses.Settle(exchange.ExpectedBytes, answer.Bytes);
            isDone = true;
            return answer;
        }
        catch (OperationCanceledException) when (_closed.IsCancellationRequested)
        {
            return Answer.Close;
        }
        catch (Exception error)
        {
            // The client may rely on any answer that is made up here; that none came tells it to look again.
            NetworkLog.HandlerFailed(_services.Log, error, api, context.Version, context.Header.ClientId, _peer);
            return Answer.Close;
        }
        finally
        {
            context.ReleaseFrame();
            _services.Metrics.Served(api, _services.Time.GetElapsedTime(exchange.Started));
            if (isDone && together is not null)
                _contexts.Return(context);
        }
    }

    private readonly record struct FrameStart(int Length, ApiKey Api, short Version, int CorrelationId)
    {
        public static FrameStart Read(ReadOnlySpan<byte> bytes) => new(
            BinaryPrimitives.ReadInt32BigEndian(bytes),
            (ApiKey)BinaryPrimitives.ReadInt16BigEndian(bytes[4..]),
            BinaryPrimitives.ReadInt16BigEndian(bytes[6..]),
            BinaryPrimitives.ReadInt32BigEndian(bytes[8..]));
    }
}

using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Streams.Objects;

namespace Warp.Bench.Yardsticks;

/// <summary>
/// The least that a broker has to do that keeps what it acknowledges: it receives requests of producers, checks the batches, copies them into
/// objects of 8 MiB, and answers once these are on the disk. It has no log, no offsets, no journal and no cache, and nothing can be read from
/// it. Like librdkafka's mock broker it lives in the client's process. Whatever else a broker does comes on top.
/// </summary>
public sealed class BareBroker : IAsyncDisposable
{
    private const int NodeId = 1;

    /// <summary>Objects that are being filled or written.</summary>
    private const int Blocks = 4;

    private const int Writers = 2;

    /// <summary>Clients send 1 MB at most unless they are told otherwise.</summary>
    private const int MaxFrameBytes = 4 << 20;

    /// <summary>One request may follow the bytes that all but fill a block.</summary>
    private const int BlockBytes = DiskWrite.FileBytes + MaxFrameBytes;

    /// <summary>So long a client may be silent until what it has sent is written, however little it is.</summary>
    private static readonly TimeSpan s_silence = TimeSpan.FromMilliseconds(5);

    private static readonly BatchRules s_rules = new() { MaxMessageBytes = 1 << 20, AllowZstd = true };

    private readonly DirectoryInfo _folder;
    private readonly DirectoryObjectStore _store;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly BlockingCollection<Block> _full = [];
    private readonly BlockingCollection<Block> _free = [];
    private readonly ConcurrentBag<(Socket Socket, Thread Server)> _connections = [];
    private readonly Block[] _blocks;
    private readonly Thread[] _writers;
    private readonly Thread _accepting;
    private int _objects;
    private volatile ObjectStoreException? _failure;

    private BareBroker(string parent)
    {
        _folder = Directory.CreateDirectory(Path.Combine(parent, $"warp-bench-bare-{Path.GetRandomFileName()}"));
        _store = DirectoryObjectStore.Open(_folder.FullName);
        _blocks = [.. Enumerable.Range(0, Blocks).Select(static _ => new Block())];
        foreach (Block block in _blocks)
            _free.Add(block);
        _writers = [.. Enumerable.Range(0, Writers).Select(_ => Begin(WriteBlocks))];
        _listener.Start();
        _accepting = Begin(Accept);
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Why it has refused records: what could not be written. Null when there is no such thing.</summary>
    public ObjectStoreException? Failure => _failure;

    /// <summary>Starts one.</summary>
    /// <param name="parent">It makes a temporary folder in it.</param>
    public static BareBroker Start(string parent) => new(parent);

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        _accepting.Join();
        foreach ((Socket socket, Thread server) in _connections)
        {
            socket.Dispose();
            server.Join();
        }
        _full.CompleteAdding();
        foreach (Thread writer in _writers)
            writer.Join();
        foreach (Block block in _blocks)
            block.Dispose();
        await _store.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static Thread Begin(Action work)
    {
        var thread = new Thread(() => work()) { IsBackground = true };
        thread.Start();
        return thread;
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                Socket connection = _listener.AcceptSocket();
                connection.NoDelay = true;
                _connections.Add((connection, Begin(() => Serve(connection))));
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // The listener is closed.
        }
    }

    private void Serve(Socket connection)
    {
        var frame = new byte[MaxFrameBytes];
        Block? filling = null;
        try
        {
            while (true)
            {
                if (filling is not null && (filling.Length >= DiskWrite.FileBytes || !connection.Poll(s_silence, SelectMode.SelectRead)))
                {
                    _full.Add(filling);
                    filling = null;
                }
                if (!TryReceive(connection, frame, out Memory<byte> bytes))
                    return;
                RequestFrame request = RequestFrame.Parse(bytes);
                if (request.Header.ApiKey == (short)ApiKey.Produce)
                {
                    filling ??= _free.Take();
                    filling.Add(request, connection);
                }
                else
                {
                    Send(connection, request.Header, AnswerTo(request));
                }
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException or MalformedMessageException)
        {
            // The client has gone, or is no producer, or this broker is being disposed.
            connection.Dispose();
        }
        finally
        {
            // What has not been answered when the client goes need not be kept.
            filling?.Clear();
            if (filling is not null)
                _free.Add(filling);
        }
    }

    /// <summary>Receives one frame into the room for it.</summary>
    private static bool TryReceive(Socket connection, byte[] room, out Memory<byte> frame)
    {
        frame = room.AsMemory(0, 4);
        if (!TryFill(connection, frame.Span))
            return false;
        int length = BinaryPrimitives.ReadInt32BigEndian(frame.Span);
        if (length < 0 || length > room.Length)
            throw new MalformedMessageException($"a request of {length} bytes");
        frame = room.AsMemory(0, length);
        return TryFill(connection, frame.Span);
    }

    private static bool TryFill(Socket connection, Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int count = connection.Receive(bytes);
            if (count == 0)
                return false;
            bytes = bytes[count..];
        }
        return true;
    }

    private IResponse AnswerTo(in RequestFrame request) => request.Header.ApiKey switch
    {
        (short)ApiKey.ApiVersions => Versions(request.Header.ApiVersion),
        (short)ApiKey.Metadata => Describe((MetadataRequest)request.ReadBody()),
        _ => throw new InvalidOperationException($"Nobody needs API {request.Header.ApiKey} to produce."),
    };

    /// <summary>Fetch is there for librdkafka, which takes a broker without it for one of the time before today's batches.</summary>
    private static ApiVersionsResponse Versions(short version) => new()
    {
        ErrorCode = version <= 3 ? ErrorCode.None : ErrorCode.UnsupportedVersion,
        ApiKeys =
        [
            new() { ApiKey = (short)ApiKey.Produce, MinVersion = 3, MaxVersion = 7 },
            new() { ApiKey = (short)ApiKey.Fetch, MinVersion = 4, MaxVersion = 11 },
            new() { ApiKey = (short)ApiKey.Metadata, MinVersion = 0, MaxVersion = 4 },
            new() { ApiKey = (short)ApiKey.ApiVersions, MinVersion = 0, MaxVersion = 3 },
        ],
    };

    /// <summary>Every topic exists.</summary>
    private MetadataResponse Describe(MetadataRequest request) => new()
    {
        Brokers = [new() { NodeId = NodeId, Host = EndPoint.Address.ToString(), Port = EndPoint.Port }],
        ControllerId = NodeId,
        Topics = [.. (request.Topics ?? []).Select(static asked => new MetadataResponse.MetadataResponseTopic
        {
            Name = asked.Name,
            Partitions = [.. Enumerable.Range(0, ClientLoad.Partitions).Select(static partition => new MetadataResponse.MetadataResponsePartition
            {
                PartitionIndex = partition,
                LeaderId = NodeId,
                ReplicaNodes = [NodeId],
                IsrNodes = [NodeId],
            })],
        })],
    };

    private void WriteBlocks()
    {
        foreach (Block block in _full.GetConsumingEnumerable())
        {
            ErrorCode error = ErrorCode.None;
            try
            {
                _store.PutAsync($"{Interlocked.Increment(ref _objects)}", [block.Content], CancellationToken.None).GetAwaiter().GetResult();
            }
            catch (ObjectStoreException failure)
            {
                _failure = failure;
                // One that clients do not retry.
                error = ErrorCode.UnknownServerError;
            }
            block.Answer(error);
            _free.Add(block);
        }
    }

    private static void Send(Socket connection, in RequestHeader header, IResponse response)
    {
        using OutgoingFrame frame = ResponseFrame.Write(header.CorrelationId, response, header.ApiVersion);
        connection.Send(frame.Segments);
    }

    /// <summary>An object with the batches of one connection, and the requests that wait for it.</summary>
    private sealed class Block : IDisposable
    {
        private readonly PooledBuffer _bytes = PooledBuffer.Rent(BlockBytes);
        private readonly List<(RequestHeader Header, FlatProduceResponse Response)> _answers = [];
        private readonly FlatProduceRequest _request = new();
        private Socket? _connection;

        public int Length { get; private set; }

        public ReadOnlyMemory<byte> Content => _bytes.Memory[..Length];

        /// <summary>Takes what a request carries.</summary>
        public void Add(in RequestFrame frame, Socket connection)
        {
            WireReader body = frame.OpenBody();
            _request.Read(ref body, frame.Header.ApiVersion);
            var response = new FlatProduceResponse();
            foreach (FlatProduceRequest.Topic topic in _request.Topics)
                response.Add(topic);
            foreach (FlatProduceRequest.Partition partition in _request.Partitions)
            {
                ReadOnlyMemory<byte> records = partition.Records.GetValueOrDefault();
                BatchDefect defect = RecordBatchValidator.Validate(records.Span, s_rules, out _);
                response.Add(new FlatProduceResponse.Partition(partition.Index)
                {
                    ErrorCode = defect == BatchDefect.None ? ErrorCode.None : ErrorCode.CorruptMessage,
                });
                records.CopyTo(_bytes.Memory[Length..]);
                Length += records.Length;
            }
            _answers.Add((frame.Header, response));
            _connection = connection;
        }

        /// <summary>Answers everybody, and is empty again.</summary>
        /// <param name="error">What was wrong with all of it.</param>
        public void Answer(ErrorCode error)
        {
            try
            {
                foreach ((RequestHeader header, FlatProduceResponse response) in _answers)
                {
                    if (error != ErrorCode.None)
                        Refuse(response, error);
                    Send(_connection!, header, response);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The client has gone.
            }
            Clear();
        }

        public void Clear()
        {
            _answers.Clear();
            Length = 0;
        }

        public void Dispose() => _bytes.Release();

        private static void Refuse(FlatProduceResponse response, ErrorCode error)
        {
            foreach (ref FlatProduceResponse.Partition partition in response.Partitions)
                partition.ErrorCode = error;
        }
    }
}

using System.Net.Sockets;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Warp.Specs.Scenarios;

namespace Warp.Specs.Chaos;

/// <summary>
/// Asks every node all the time where the logs end, and compares: whoever asks later, at whatever node, must not see less than anybody has seen
/// before. An error is no answer.
/// </summary>
public sealed class EndPoller : IAsyncDisposable
{
    private const short Version = 5;
    private const long Latest = -1;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(12);

    private readonly string _topic;
    private readonly Lock _gate = new();
    private readonly long[] _floor;
    private readonly List<string> _defects = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<TestNode, int> _answers;
    private readonly Task[] _polling;

    /// <param name="topic">The topic.</param>
    /// <param name="partitions">How many partitions it has.</param>
    /// <param name="nodes">Whom to ask.</param>
    public EndPoller(string topic, int partitions, IReadOnlyList<TestNode> nodes)
    {
        _topic = topic;
        _floor = new long[partitions];
        _answers = nodes.ToDictionary(static node => node, static _ => 0);
        _polling = [.. nodes.Select(node => Task.Run(() => PollAsync(node)))];
    }

    /// <summary>Ends that went back, a line each.</summary>
    public IReadOnlyList<string> Defects
    {
        get
        {
            lock (_gate)
                return [.. _defects];
        }
    }

    /// <summary>How many ends the node has told so far.</summary>
    public int AnswersOf(TestNode node)
    {
        lock (_gate)
            return _answers[node];
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_polling);
    }

    private async Task PollAsync(TestNode node)
    {
        KafkaSocket? socket = null;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                socket ??= await KafkaSocket.ConnectAsync(node.Bootstrap);
                await AskAsync(node, socket);
                await Task.Delay(s_pause);
            }
            catch (Exception error) when (error is SocketException or IOException or TimeoutException)
            {
                socket?.Dispose();
                socket = null;
            }
        }
        socket?.Dispose();
    }

    private async Task AskAsync(TestNode node, KafkaSocket socket)
    {
        long[] before;
        lock (_gate)
            before = [.. _floor];
        var request = new ListOffsetsRequest
        {
            ReplicaId = -1,
            Topics =
            [
                new()
                {
                    Name = _topic,
                    Partitions = [.. before.Select(static (_, i) => new ListOffsetsRequest.ListOffsetsPartition { PartitionIndex = i, Timestamp = Latest })],
                },
            ],
        };
        ListOffsetsResponse response = await socket.AskAsync<ListOffsetsResponse>(request, Version).WaitAsync(s_patience);
        lock (_gate)
        {
            foreach (var answer in response.Topics[0].Partitions.Where(static answer => answer.ErrorCode == ErrorCode.None))
            {
                int partition = answer.PartitionIndex;
                if (answer.Offset < before[partition])
                    _defects.Add($"{node.Bootstrap} says that partition {partition} ends at {answer.Offset}; it was at {before[partition]} before it was asked");
                _floor[partition] = Math.Max(_floor[partition], answer.Offset);
                _answers[node]++;
            }
        }
    }
}

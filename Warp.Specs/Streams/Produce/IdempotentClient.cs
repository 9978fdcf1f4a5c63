using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Xunit;

namespace Warp.Specs.Streams.Produce;

/// <summary>
/// An idempotent producer of one partition as Kafka's clients are: numbered batches, up to five in flight, and after an error or a broken
/// connection the same batches with the same numbers once more, in order.
/// </summary>
internal sealed class IdempotentClient
{
    private const int MostInFlight = 5;

    private static readonly Task<BatchAnswer> s_unsent = new TaskCompletionSource<BatchAnswer>().Task;

    private readonly StreamsWorld _world;
    private readonly long _producerId;
    private readonly Random _random;
    private readonly bool _oneRetryAtATime;
    private readonly List<Sent> _batches = [];
    private readonly SortedSet<int> _toRetry = [];
    private readonly Dictionary<int, Task<BatchAnswer>> _inFlight = [];
    private readonly List<Task<BatchAnswer>> _givenUp = [];
    private int _next;
    private bool _mayPause;

    /// <param name="world">Where it writes.</param>
    /// <param name="partition">To which partition.</param>
    /// <param name="producerId">Its own.</param>
    /// <param name="batches">How many it writes.</param>
    /// <param name="random">When its connection breaks, and the like.</param>
    public IdempotentClient(StreamsWorld world, TopicPartition partition, long producerId, int batches, Random random)
    {
        _world = world;
        Partition = partition;
        _producerId = producerId;
        _random = random;
        // The Java client sends the oldest unanswered batch alone; librdkafka sends all that failed, in order.
        _oneRetryAtATime = random.Next(2) == 0;
        int sequence = 0;
        for (int i = 0; i < batches; i++)
        {
            string[] values = [.. Enumerable.Range(0, random.Next(1, 4)).Select(n => $"{producerId}:{i}:{n}")];
            _batches.Add(new Sent(SampleBatches.Build(producerId, 0, sequence, values), values));
            sequence = RecordBatchHeader.AddToSequence(sequence, values.Length);
        }
    }

    public TopicPartition Partition { get; }

    /// <summary>Answers that told the client to try again, and connections that broke.</summary>
    public int Troubles { get; private set; }

    /// <summary>Writes everything, and tries again until all of it is acknowledged.</summary>
    public async Task RunAsync()
    {
        while (_batches.Exists(static batch => batch.Offset < 0))
        {
            Send();
            await Task.WhenAny(_inFlight.Values).WaitAsync(StreamsWorld.Patience);
            foreach (int index in _inFlight.Keys.Where(index => _inFlight[index].IsCompleted).Order().ToList())
                Take(index, await _inFlight[index]);
            if (_random.Next(12) == 0)
                BreakConnection();
            if (_mayPause || _random.Next(4) == 0)
                await Task.Delay(_random.Next(4));
            _mayPause = false;
        }
        foreach (Task<BatchAnswer> answer in _givenUp)
            await answer.WaitAsync(StreamsWorld.Patience);
    }

    /// <summary>Checks that the log has the client's records, each once, in order, and where it was told that they are.</summary>
    public void Check(IReadOnlyList<LogEntry> log)
    {
        IEnumerable<string> written = log.Where(entry => entry.ProducerId == _producerId).Select(static entry => entry.Value);
        Assert.Equal(_batches.SelectMany(static batch => batch.Values), written);
        foreach (Sent batch in _batches)
        {
            for (int i = 0; i < batch.Values.Length; i++)
                Assert.Equal(batch.Values[i], log[(int)batch.Offset + i].Value);
        }
    }

    private void Send()
    {
        var request = new List<int>();
        while (_inFlight.Count < MostInFlight && NextToSend() is { } index)
        {
            _inFlight.Add(index, s_unsent);
            request.Add(index);
            if (_random.Next(2) == 0)
                Flush(request);
        }
        Flush(request);
    }

    private void Flush(List<int> request)
    {
        if (request.Count == 0)
            return;
        Task<BatchAnswer>[] answers = ReusedRequest.Send(_world, Partition, [.. request.Select(index => _batches[index].Bytes)]);
        for (int i = 0; i < answers.Length; i++)
            _inFlight[request[i]] = answers[i];
        request.Clear();
    }

    private int? NextToSend()
    {
        if (_toRetry.Count > 0)
        {
            int oldest = _toRetry.Min;
            bool mustWait = _inFlight.Keys.Any(index => index < oldest) || (_oneRetryAtATime && _inFlight.Count > 0);
            // What is in flight behind it will fail and be sent again behind it, or it is answered as it was the first time.
            if (mustWait)
                return null;
            _toRetry.Remove(oldest);
            return oldest;
        }
        return _next < _batches.Count ? _next++ : null;
    }

    private void Take(int index, BatchAnswer answer)
    {
        _inFlight.Remove(index);
        if (answer.Error == ErrorCode.None)
        {
            _batches[index].Offset = answer.BaseOffset;
            return;
        }
        bool isOldest = _batches.FindIndex(static batch => batch.Offset < 0) == index;
        bool mayRetry = answer.Error == ErrorCode.OutOfOrderSequenceNumber ? !isOldest : answer.Error.IsRetriable();
        Assert.True(mayRetry, $"Producer {_producerId} dies of {answer.Error} to its batch {index}.");
        Troubles++;
        _toRetry.Add(index);
        _mayPause = true;
    }

    private void BreakConnection()
    {
        Troubles++;
        foreach ((int index, Task<BatchAnswer> answer) in _inFlight)
        {
            _givenUp.Add(answer);
            _toRetry.Add(index);
        }
        _inFlight.Clear();
    }

    private sealed record Sent(byte[] Bytes, string[] Values)
    {
        /// <summary>As acknowledged; −1 until then.</summary>
        public long Offset { get; set; } = -1;
    }
}

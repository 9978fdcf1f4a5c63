using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Warp.Load.Client;
using Warp.Load.Measuring;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Load.Connections;

/// <summary>
/// Fetches all partitions of a topic, one request after the other, as clients do, and looks at the headers of the batches only: that is
/// enough to know their records' number and age.
/// </summary>
/// <param name="socket">A connection of its own.</param>
/// <param name="topic">The topic.</param>
/// <param name="starts">The first offsets, by partition.</param>
/// <param name="ends">Where the log ended when the run began, by partition.</param>
/// <param name="plan">Sizes, and where to begin.</param>
/// <param name="version">Of the Fetch requests.</param>
/// <param name="clock">The run's.</param>
/// <param name="window">What counts, and when to end.</param>
internal sealed class ConsumerConnection(
    Socket socket, KafkaTopic topic, long[] starts, long[] ends, LoadPlan plan, short version, RunClock clock, RunWindow window)
{
    private const string ClientId = "warp-bench-consumer";

    private readonly ApiSpec _spec = ApiSpecs.Get(ApiKey.Fetch);
    private readonly long[] _offsets = [.. plan.From == ConsumeFrom.Tail ? ends : starts];
    private readonly FetchRequest _request = new() { Topics = [new() { Topic = topic.Name, TopicId = topic.Id }] };
    private int _correlationId;

    private volatile long[]? _lastOffsets;

    public ConnectionTotals Totals { get; } = new();

    /// <summary>Tells a consumer at the tail where the log ends now that nobody produces any more: there it stops.</summary>
    public void StopAt(long[] lastOffsets) => _lastOffsets = lastOffsets;

    /// <summary>
    /// Fetches until the time is over or, where it reads once, until the end; at the tail of producers it is told. Never fails: what failed
    /// is in the totals.
    /// </summary>
    /// <remarks>On a thread of its own: what comes at gigabytes a second is not to wait for two other threads each time.</remarks>
    public Task RunAsync() =>
        Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    [SuppressMessage("Design", "CA1031", Justification = "Whatever ends the fetching is part of the result.")]
    private void Run()
    {
        var frames = new FrameReader(socket);
        try
        {
            while (!IsDone())
            {
                using (OutgoingFrame frame = MakeRequest())
                    socket.Send(frame.Segments);
                Take((FetchResponse)ResponseFrame.Parse(frames.Read(), _spec, version).Body);
            }
        }
        catch (Exception e)
        {
            Totals.Failure = e;
        }
        finally
        {
            socket.Dispose();
        }
    }

    /// <summary>Whether everything has been read; a reader that goes round begins again.</summary>
    private bool IsDone()
    {
        if (plan.From == ConsumeFrom.Tail && plan.Producers > 0)
            return _lastOffsets is { } last && HasReached(last);
        if (plan.From == ConsumeFrom.StartOnce)
            return HasReached(ends) || clock.NowMicros >= window.ToMicros;
        if (plan.From == ConsumeFrom.Start && HasReached(ends))
            starts.CopyTo(_offsets, 0);
        return clock.NowMicros >= window.ToMicros;
    }

    private bool HasReached(long[] offsets)
    {
        for (int i = 0; i < offsets.Length; i++)
        {
            if (_offsets[i] < offsets[i])
                return false;
        }
        return true;
    }

    private OutgoingFrame MakeRequest()
    {
        _request.MaxWaitMs = (int)plan.FetchWait.TotalMilliseconds;
        _request.MinBytes = 1;
        _request.MaxBytes = plan.FetchBytes;
        List<FetchRequest.FetchPartition> partitions = _request.Topics[0].Partitions;
        partitions.Clear();
        for (int partition = 0; partition < _offsets.Length; partition++)
        {
            // Whoever reads what is there does not wait for more in the partitions that are done.
            if (plan.From != ConsumeFrom.Tail && _offsets[partition] >= ends[partition])
                continue;
            partitions.Add(new FetchRequest.FetchPartition
            {
                Partition = partition,
                FetchOffset = _offsets[partition],
                PartitionMaxBytes = plan.FetchPartitionBytes,
            });
        }
        return RequestFrame.Write(++_correlationId, ClientId, _request, version);
    }

    /// <summary>
    /// Records that were due in the window have their age counted, however late they come; everything else counts when it comes.
    /// </summary>
    private void Take(FetchResponse response)
    {
        long now = clock.NowMicros;
        bool counts = window.Contains(now);
        if (response.ErrorCode != ErrorCode.None)
            Totals.Refused(response.ErrorCode);
        if (counts)
            Totals.Requests++;
        foreach (FetchResponse.FetchableTopicResponse answer in response.Responses)
        {
            foreach (FetchResponse.PartitionData partition in answer.Partitions)
            {
                if (partition.ErrorCode != ErrorCode.None)
                    Totals.Refused(partition.ErrorCode);
                Take(partition, now, counts);
            }
        }
    }

    private void Take(FetchResponse.PartitionData partition, long now, bool counts)
    {
        ReadOnlyMemory<byte> left = partition.Records.Memory;
        // The last batch may be cut: a broker fills the answer up to the bytes that were asked for.
        while (RecordBatchHeader.TryRead(left.Span, out RecordBatchHeader header) && header.SizeBytes <= left.Length)
        {
            left = left[header.SizeBytes..];
            if (header.NextOffset <= _offsets[partition.PartitionIndex])
                continue;
            _offsets[partition.PartitionIndex] = header.NextOffset;
            long due = clock.MicrosOf(header.MaxTimestamp);
            if (window.Contains(due))
                Totals.Latency.Record(now - due, header.RecordsCount);
            if (!counts)
                continue;
            Totals.Bytes += header.SizeBytes;
            Totals.Records += header.RecordsCount;
        }
    }
}

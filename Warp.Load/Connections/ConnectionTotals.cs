using Warp.Load.Measuring;
using Warp.Protocol.Messages;

namespace Warp.Load.Connections;

/// <summary>
/// What one connection has seen, of the window only where it is not said otherwise. Written by one task, read when it has ended.
/// </summary>
internal sealed class ConnectionTotals
{
    public long Requests { get; set; }

    public long Bytes { get; set; }

    public long Records { get; set; }

    /// <summary>Bytes of the whole run, those outside of the window too.</summary>
    public long AllBytes { get; set; }

    /// <summary>Of requests for producers, of records for consumers.</summary>
    public LatencyHistogram Latency { get; } = new();

    /// <summary>Refused partitions by the broker's error, of the whole run.</summary>
    public Dictionary<ErrorCode, long> Errors { get; } = [];

    /// <summary>Requests without an answer at the end of the run.</summary>
    public int Unanswered { get; set; }

    /// <summary>What broke the connection, if anything did.</summary>
    public Exception? Failure { get; set; }

    public void Refused(ErrorCode error) => Errors[error] = Errors.GetValueOrDefault(error) + 1;

    public void Add(ConnectionTotals other)
    {
        Requests += other.Requests;
        Bytes += other.Bytes;
        Records += other.Records;
        AllBytes += other.AllBytes;
        Latency.Merge(other.Latency);
        foreach ((ErrorCode error, long count) in other.Errors)
            Errors[error] = Errors.GetValueOrDefault(error) + count;
        Unanswered += other.Unanswered;
        Failure ??= other.Failure;
    }
}

using Microsoft.Extensions.Logging;
using Warp.Actors.Sequencing;
using Warp.Streams.Objects;

namespace Warp.Streams.Fetch;

/// <summary>
/// Notes what cannot be read for the operator. Consumers ask again and again, and all of them: what was noted lately is not noted again.
/// Thread-safe.
/// </summary>
internal sealed class ReadFailures(ILogger log, TimeProvider time)
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromMinutes(10);

    /// <summary>Of more failures than this at a time, which are noted again is a matter of luck.</summary>
    private const int MaxRemembered = 1000;

    private readonly Lock _lock = new();
    private readonly Dictionary<(TopicPartition Partition, string Error), long> _noted = [];

    public void Note(TopicPartition partition, long offset, Exception error)
    {
        lock (_lock)
        {
            if (_noted.TryGetValue((partition, error.Message), out long at) && time.GetElapsedTime(at) < s_quiet)
                return;
            if (_noted.Count >= MaxRemembered)
                _noted.Clear();
            _noted[(partition, error.Message)] = time.GetTimestamp();
        }
        if (error is ObjectNotFoundException)
        {
            log.LogError(
                "Partition {Partition} cannot be read at offset {Offset}: {Error} Put the object back from a backup of the store, or give its "
                + "records up by moving the log start past them (DeleteRecords); `warp store verify` lists all that is missing",
                partition,
                offset,
                error.Message);
        }
        else
        {
            log.LogError("Partition {Partition} cannot be read at offset {Offset}: {Error}", partition, offset, error.Message);
        }
    }
}

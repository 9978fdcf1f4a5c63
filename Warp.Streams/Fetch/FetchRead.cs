using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Fetch;

/// <summary>The reading of one planned fetch, in bounded memory. Used once.</summary>
internal sealed class FetchRead : IDisposable
{
    /// <summary>How many partitions are read side by side: each has a chunk in its hands.</summary>
    private const int PartitionsAtOnce = 16;

    private readonly ExtentReader _reader;
    private readonly ReadFailures _failures;
    private readonly FetchQuery _query;
    private readonly PartitionExtents[] _plan;
    private readonly Func<int, Task<PartitionExtents>> _planAgain;
    private readonly CancellationToken _cancellationToken;
    private readonly long[] _wanted;
    private readonly FetchGrant _grant;
    private readonly SemaphoreSlim _turns = new(PartitionsAtOnce);
    private readonly int _readAheadBytes;

    /// <param name="reader">Reads the bytes.</param>
    /// <param name="memory">Bounds what the answer holds.</param>
    /// <param name="failures">Hears of records that cannot be read.</param>
    /// <param name="query">The fetch.</param>
    /// <param name="plan">Where the records of its partitions are.</param>
    /// <param name="planAgain">Asks for the plan of a partition, by index, once more.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public FetchRead(
        ExtentReader reader,
        FetchMemory memory,
        ReadFailures failures,
        FetchQuery query,
        PartitionExtents[] plan,
        Func<int, Task<PartitionExtents>> planAgain,
        CancellationToken cancellationToken)
    {
        _reader = reader;
        _failures = failures;
        _query = query;
        _plan = plan;
        _planAgain = planAgain;
        _cancellationToken = cancellationToken;
        // Not less than there are: batches differ in size, and one that is larger than its neighbours must not be starved.
        _wanted = [.. plan.Select((found, i) => HasRecords(found)
            ? Math.Min(found.Extents.Sum(static extent => extent.Extent.Length), query.Partitions[i].MaxBytes)
            : 0)];
        _grant = memory.Take(Math.Min(_wanted.Sum(), query.MaxBytes));
        // Many partitions are many requests to the store already.
        _readAheadBytes = ReadAhead.Bytes / Math.Max(1, plan.Count(HasRecords));
    }

    /// <summary>Answers one entry for each partition of the query, in its order.</summary>
    public async Task<PartitionRecords[]> ReadAsync()
    {
        var reads = new Task<PartitionRecords>[_plan.Length];
        long budget = _grant.Bytes;
        bool first = true;
        for (int i = 0; i < _plan.Length; i++)
        {
            int share = (int)Math.Min(_wanted[i], budget);
            bool atLeastOne = first && HasRecords(_plan[i]);
            reads[i] = share > 0 || atLeastOne
                ? ReadPartitionAsync(i, share, atLeastOne)
                : Task.FromResult(new PartitionRecords(_plan[i].Ends, RecordSet.Empty));
            first &= !atLeastOne;
            budget -= share;
        }
        try
        {
            return await Task.WhenAll(reads);
        }
        catch
        {
            foreach (Task<PartitionRecords> read in reads.Where(static read => read.IsCompletedSuccessfully))
                (await read).Records.Dispose();
            throw;
        }
    }

    /// <summary>Gives back what is not in the answer.</summary>
    public void Dispose()
    {
        _grant.Dispose();
        _turns.Dispose();
    }

    private static bool HasRecords(PartitionExtents found) => found.Ends.Error == ErrorCode.None && found.Extents.Count > 0;

    private async Task<PartitionRecords> ReadPartitionAsync(int index, int maxBytes, bool atLeastOne)
    {
        await _turns.WaitAsync(_cancellationToken);
        try
        {
            return await ReadExtentsAsync(index, _plan[index], maxBytes, atLeastOne, mayPlanAgain: true);
        }
        finally
        {
            _turns.Release();
        }
    }

    private async Task<PartitionRecords> ReadExtentsAsync(int index, PartitionExtents plan, int maxBytes, bool atLeastOne, bool mayPlanAgain)
    {
        PartitionQuery partition = _query.Partitions[index];
        using var builder = new RecordSetBuilder(_grant);
        try
        {
            var limits = new ReadLimits(maxBytes, atLeastOne, _readAheadBytes);
            await _reader.ReadAsync(plan.Extents, partition.Offset, limits, builder, _cancellationToken);
            return new PartitionRecords(plan.Ends, builder.Build());
        }
        catch (ObjectNotFoundException) when (mayPlanAgain)
        {
            // Objects are deleted long after a plan should have been used; but a process can be stopped for longer.
            PartitionExtents again = await _planAgain(index);
            return HasRecords(again)
                ? await ReadExtentsAsync(index, again, maxBytes, atLeastOne, mayPlanAgain: false)
                : new PartitionRecords(again.Ends, RecordSet.Empty);
        }
        catch (Exception error) when (error is CorruptObjectException or ObjectStoreException or CorruptRecordException)
        {
            // It may be a later extent that cannot be read. What lies before it is had one by one; the error comes when it is the first.
            if (plan.Extents.Count > 1)
                return await ReadExtentsAsync(index, plan with { Extents = [plan.Extents[0]] }, maxBytes, atLeastOne, mayPlanAgain);
            _failures.Note(partition.Partition, partition.Offset, error);
            return new PartitionRecords(plan.Ends with { Error = ErrorCode.KafkaStorageError }, RecordSet.Empty);
        }
    }
}

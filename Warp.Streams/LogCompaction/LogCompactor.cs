using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Protocol.Records;
using Warp.Streams.Compaction;

namespace Warp.Streams.LogCompaction;

/// <summary>
/// Compacts one partition by key, in stages: reads it to find the records that have a later one of their key (several times, if the keys
/// are too many for the memory), reads it once more and writes what stays, and has the sequencer take that in the place of what was. It
/// may end at any moment and deletes nothing, like any <see cref="Compactor"/>.
/// </summary>
/// <param name="services">What it works with.</param>
public sealed class LogCompactor(CompactionServices services)
{
    /// <summary>What the records of one batch may take when they are looked into.</summary>
    private const int MaxDecompressedBytes = 64 << 20;

    /// <summary>New objects of log compaction: they hold one partition, and are merged with others if they are small.</summary>
    private const int Level = 1;

    /// <summary>Half of the memory is for keys, the other for records on their way.</summary>
    private long HalfMemory => services.Settings.MemoryBytes / 2;

    /// <summary>Compacts the partition.</summary>
    /// <param name="partition">The extents that are to be compacted.</param>
    /// <param name="targetBytes">The size of the objects that are written.</param>
    /// <param name="cancellationToken">Gives up; nothing is changed then, or all of it.</param>
    /// <exception cref="CorruptInputException">An object cannot be read; nothing was changed.</exception>
    /// <exception cref="CompactionException">An output was given up, or the shard could not take it.</exception>
    /// <exception cref="Objects.ObjectStoreException">The store failed; nothing was changed.</exception>
    public async Task<LogCompactionResult> RunAsync(CleanablePartition partition, long targetBytes, CancellationToken cancellationToken)
    {
        var lease = new JobLease(services, static _ => Task.FromResult(true));
        KeyScan scan = await ScanAsync(partition, lease, cancellationToken);
        var cleaner = new BatchCleaner(
            scan.Dead, services.Clock.Now.ToUnixTimeMilliseconds(), partition.DeleteRetentionMs, MaxDecompressedBytes);
        await using var writer = new OutputWriter(services, lease, Level, targetBytes, cancellationToken);
        var ledger = new CleanedExtents([.. partition.Extents.Select(static readable => readable.Extent)]);
        await RewriteAsync(partition, cleaner, writer, ledger, lease, cancellationToken);
        var replacement = new PartitionReplacement(partition.Partition, ledger.Replaced, ledger.Finish())
        {
            Cleaning = new LogCleaning(ledger.Replaced[^1].LastOffset + 1, cleaner.EarliestDeleteHorizonMs ?? 0),
        };
        await lease.RenewAsync(cancellationToken);
        int refused = await new SwapSender(services).SendAsync(writer.Outputs, [replacement], cancellationToken);
        return new LogCompactionResult(refused == 0, cleaner.KeptCount, cleaner.RemovedCount, scan.Passes, writer.BytesWritten);
    }

    private async Task<KeyScan> ScanAsync(CleanablePartition partition, JobLease lease, CancellationToken cancellationToken)
    {
        var scan = new KeyScan(HalfMemory, MaxDecompressedBytes);
        do
        {
            MergePlan plan = Plan(partition);
            await using var reader = new SegmentReader(plan, services, HalfMemory, cancellationToken);
            var merger = new BatchMerger(plan, reader);
            while (await merger.ReadAsync())
            {
                scan.Add(merger.Bytes.Span);
                await lease.RenewIfDueAsync(cancellationToken);
            }
        }
        while (scan.NextPass());
        return scan;
    }

    private async Task RewriteAsync(
        CleanablePartition partition,
        BatchCleaner cleaner,
        OutputWriter writer,
        CleanedExtents ledger,
        JobLease lease,
        CancellationToken cancellationToken)
    {
        MergePlan plan = Plan(partition);
        await using var reader = new SegmentReader(plan, services, HalfMemory, cancellationToken);
        var merger = new BatchMerger(plan, reader);
        byte[]? dropped = null;
        while (await merger.ReadAsync())
        {
            await lease.RenewIfDueAsync(cancellationToken);
            ReadOnlyMemory<byte> cleaned = cleaner.Clean(merger.Bytes);
            dropped = cleaned.IsEmpty ? RecordBatchFilter.WithoutRecords(merger.Header) : null;
            if (!cleaned.IsEmpty)
                await AppendAsync(cleaned, merger.Header.BaseOffset);
        }
        // The last batch stays, if only to say up to where there were records: a reader must be able to reach the end.
        if (dropped is not null && RecordBatchHeader.TryRead(dropped, out RecordBatchHeader last))
            await AppendAsync(dropped, last.BaseOffset);
        await writer.FinishAsync();

        async Task AppendAsync(ReadOnlyMemory<byte> batch, long baseOffset)
        {
            if (!RecordBatchHeader.TryRead(batch.Span, out RecordBatchHeader header))
                throw new InvalidOperationException("What was written anew is no record batch.");
            header = header with { BaseOffset = baseOffset };
            var (id, position) = await writer.AppendAsync(partition.Partition, header, batch);
            ledger.Add(id, position, header);
        }
    }

    private MergePlan Plan(CleanablePartition partition) => MergePlan.Make(
        [
            .. partition.Extents
                .DistinctBy(static readable => readable.Extent.ObjectId)
                .Select(static readable => new CompactionInput(readable.Extent.ObjectId, readable.Level, readable.ObjectSizeBytes)),
        ],
        partition.Extents.Select(readable => new PartitionExtent(partition.Partition, readable.Extent)),
        HalfMemory);
}

/// <summary>What became of a partition.</summary>
/// <param name="IsTaken">Whether the sequencer has taken it; if not, the log has changed meanwhile and stays as it is.</param>
/// <param name="KeptCount">Records that stay.</param>
/// <param name="RemovedCount">Records that are gone.</param>
/// <param name="Passes">How often the keys were read.</param>
/// <param name="BytesWritten">Bytes of the new objects.</param>
public sealed record LogCompactionResult(bool IsTaken, long KeptCount, long RemovedCount, int Passes, long BytesWritten);

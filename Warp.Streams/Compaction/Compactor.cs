using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;

namespace Warp.Streams.Compaction;

/// <summary>
/// Does one job, in stages: finds out what of the inputs is still in a log, copies it, and has the sequencers take the copies. Until that
/// last stage nothing refers to what was written, and each partition changes over by itself, so the job may end at any moment: what
/// is left is for the collector. It deletes nothing.
/// </summary>
/// <param name="services">What it works with.</param>
public sealed class Compactor(CompactionServices services)
{
    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(30);

    /// <summary>Does the job.</summary>
    /// <param name="job">What is to be done.</param>
    /// <param name="lease">Keeps it this worker's.</param>
    /// <param name="cancellationToken">Ends it wherever it is.</param>
    /// <exception cref="CorruptInputException">An input cannot be read; nothing was changed.</exception>
    /// <exception cref="CompactionException">The job has been given up, or a shard could not take the copies.</exception>
    /// <exception cref="Objects.ObjectStoreException">The store failed; nothing was changed.</exception>
    public async Task<CompactionResult> RunAsync(CompactionJob job, JobLease lease, CancellationToken cancellationToken)
    {
        List<PartitionExtent> found = await FindAsync(job, cancellationToken);
        if (found.Count == 0)
            return CompactionResult.Nothing;
        var plan = MergePlan.Make(job.Inputs, found, services.Settings.ReadBytes);
        await using var reader = new SegmentReader(plan, services, services.Settings.ReadBytes, cancellationToken);
        await using var writer = new OutputWriter(services, lease, job.Level, job.TargetBytes, cancellationToken);
        var ledger = new CopyLedger(plan);
        await CopyAsync(plan, reader, writer, ledger, lease, cancellationToken);
        IReadOnlyList<PartitionReplacement> partitions = ledger.Finish();
        await lease.RenewAsync(cancellationToken);
        int refused = await new SwapSender(services).SendAsync(writer.Outputs, partitions, cancellationToken);
        return new CompactionResult(
            writer.Outputs.Count, found.Count, ledger.AddedCount, refused, reader.Requests, reader.BytesRead, writer.BytesWritten,
            reader.MostHeldBytes + (2L * services.Settings.PartBytes));
    }

    /// <summary>All extents that any shard has in the inputs.</summary>
    private async Task<List<PartitionExtent>> FindAsync(CompactionJob job, CancellationToken cancellationToken)
    {
        HashSet<ObjectId> inputs = [.. job.Inputs.Select(static input => input.Id)];
        FindExtentsReply[] replies = await Task.WhenAll(Enumerable.Range(0, services.Region.ShardCount).Select(shard =>
            services.Region.Sequencer(shard).AskAsync<FindExtentsReply>(
                reply => new SequencerMessage.FindExtents(inputs, reply), s_ask, cancellationToken)));
        return [.. replies.SelectMany(static reply => reply.Extents)];
    }

    private static async Task CopyAsync(
        MergePlan plan, SegmentReader reader, OutputWriter writer, CopyLedger ledger, JobLease lease, CancellationToken cancellationToken)
    {
        var merger = new BatchMerger(plan, reader);
        while (await merger.ReadAsync())
        {
            cancellationToken.ThrowIfCancellationRequested();
            await lease.RenewIfDueAsync(cancellationToken);
            (ObjectId id, long position) = await writer.AppendAsync(
                plan.Extents[merger.ExtentIndex].Partition, merger.Header, merger.Bytes);
            ledger.Add(merger.ExtentIndex, id, position, merger.Header);
        }
        await writer.FinishAsync();
    }
}

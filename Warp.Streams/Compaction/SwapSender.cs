using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;

namespace Warp.Streams.Compaction;

/// <summary>Has the sequencers take new extents in the place of old ones: the last stage of a job, partition by partition all or nothing.</summary>
/// <param name="services">Knows the shards.</param>
internal sealed class SwapSender(CompactionServices services)
{
    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(30);

    /// <summary>Tells every shard at once.</summary>
    /// <param name="outputs">The objects that hold the copies.</param>
    /// <param name="partitions">Which extents they replace.</param>
    /// <param name="cancellationToken">Gives up; some shards may have taken theirs.</param>
    /// <returns>How many partitions kept what they had.</returns>
    /// <exception cref="CompactionException">A shard could not take the copies.</exception>
    public async Task<int> SendAsync(
        IReadOnlyList<OutputObject> outputs, IReadOnlyList<PartitionReplacement> partitions, CancellationToken cancellationToken)
    {
        IEnumerable<IGrouping<int, PartitionReplacement>> byShard = partitions.GroupBy(entry => services.Region.ShardOf(entry.Partition));
        int[] refused = await Task.WhenAll(byShard.Select(shard => SwapAsync(shard.Key, outputs, [.. shard], cancellationToken)));
        return refused.Sum();
    }

    private async Task<int> SwapAsync(
        int shard, IReadOnlyList<OutputObject> outputs, IReadOnlyList<PartitionReplacement> partitions, CancellationToken cancellationToken)
    {
        HashSet<ObjectId> used = [.. partitions.SelectMany(static partition => partition.Added).Select(static extent => extent.ObjectId)];
        var swap = new ExtentReplacement
        {
            SwapId = ObjectId.Mint(services.Clock.Now, services.System.CreateRandom()),
            Outputs = [.. outputs.Where(output => used.Contains(output.Id))],
            Partitions = partitions,
        };
        ReplaceReply reply = await SendAsync(shard, swap, cancellationToken);
        if (reply.Refusal != SwapRefusal.None)
            throw new CompactionException($"Shard {shard} did not take the copies: {reply.Refusal}.");
        if (reply.Partitions.Contains(PartitionRefusal.Malformed))
            throw new CompactionException($"Shard {shard} found the copies of a partition malformed.");
        return reply.Partitions.Count(static refusal => refusal != PartitionRefusal.None);
    }

    /// <summary>Repeats the same swap until it is answered, or until it is too late for that: a lost answer may have been a yes.</summary>
    private async Task<ReplaceReply> SendAsync(int shard, ExtentReplacement swap, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), services.System.CreateRandom());
        while (true)
        {
            try
            {
                ReplaceReply reply = await services.Region.Sequencer(shard).AskAsync<ReplaceReply>(
                    answer => new SequencerMessage.ReplaceExtents(swap, answer), s_ask, cancellationToken);
                if (reply.Refusal != SwapRefusal.NotWritten || IsTooLate())
                    return reply;
            }
            catch (Exception error) when (error is TimeoutException or ActorStoppedException && !IsTooLate())
            {
                // Asked again below.
            }
            await Task.Delay(backoff.Next(), services.System.Time, cancellationToken);
        }

        bool IsTooLate() =>
            services.System.Stopping.IsCancellationRequested || services.Clock.Now - swap.SwapId.Time > services.Times.CommitDeadline;
    }
}

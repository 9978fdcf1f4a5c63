using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// Asks the sequencers about many partitions: each once, for all of its partitions. One that does not answer becomes an error of its
/// partitions, never an exception. Thread-safe.
/// </summary>
public sealed partial class SequencerQuestions(ShardRegion region, ILogger<SequencerQuestions> log)
{
    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(10);

    /// <summary>Where the partitions start and end, and how large they are; in the order of the question.</summary>
    public Task<LogEnds[]> DescribeLogsAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken) =>
        AskAsync<LogEnds>(
            partitions,
            static (partitions, reply) => new SequencerMessage.DescribeLogs(partitions, reply),
            static error => new LogEnds(error, -1, -1, -1, 0),
            cancellationToken);

    /// <summary>Who has written to the partitions lately; in the order of the question.</summary>
    public Task<PartitionProducers[]> DescribeProducersAsync(
        IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken) =>
        AskAsync<PartitionProducers>(
            partitions,
            static (partitions, reply) => new SequencerMessage.DescribeProducers(partitions, reply),
            static error => new PartitionProducers(error, []),
            cancellationToken);

    private async Task<TAnswer[]> AskAsync<TAnswer>(
        IReadOnlyList<TopicPartition> partitions,
        Func<IReadOnlyList<TopicPartition>, Reply<IReadOnlyList<TAnswer>>, SequencerMessage> question,
        Func<ErrorCode, TAnswer> failure,
        CancellationToken cancellationToken)
    {
        var answers = new TAnswer[partitions.Count];
        await Task.WhenAll(Enumerable.Range(0, partitions.Count).GroupBy(i => region.ShardOf(partitions[i])).Select(async shard =>
        {
            int[] places = [.. shard];
            TopicPartition[] asked = [.. places.Select(i => partitions[i])];
            IReadOnlyList<TAnswer> found;
            try
            {
                found = await region.Sequencer(shard.Key).AskAsync<IReadOnlyList<TAnswer>>(
                    reply => question(asked, reply), s_wait, cancellationToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                LogNoAnswer(shard.Key, error.Message);
                TAnswer failed = failure(ActorQuestions.PartitionErrorOf(error));
                found = [.. asked.Select(_ => failed)];
            }
            for (int i = 0; i < places.Length; i++)
                answers[places[i]] = found[i];
        }));
        return answers;
    }

    [LoggerMessage(LogLevel.Warning, "Shard {Shard} did not answer a question about its partitions: {Reason}")]
    private partial void LogNoAnswer(int shard, string reason);
}

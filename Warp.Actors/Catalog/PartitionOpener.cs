using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;

namespace Warp.Actors.Catalog;

/// <summary>
/// Tells the sequencers of a topic's partitions to open or drop them, and repeats it until each has confirmed. Both are safe to repeat.
/// </summary>
public sealed class PartitionOpener(ActorSystem system, ShardRegion region)
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    private readonly ILogger _log = system.Loggers.CreateLogger("catalog");

    /// <summary>Opens all partitions, then calls <paramref name="done"/>.</summary>
    public Task OpenAsync(TopicImage topic, Action done)
    {
        IEnumerable<IGrouping<int, int>> byShard = Enumerable.Range(0, topic.PartitionCount)
            .GroupBy(partition => region.ShardOf(new TopicPartition(topic.Id, partition)));
        return ForEachShardAsync(byShard.Select(group => (group.Key, Message(group.ToList()))), done);

        Ask<SequencerMessage, ErrorCode> Message(List<int> partitions) => reply => new SequencerMessage.OpenPartitions(topic.Id, partitions, reply);
    }

    /// <summary>Drops the topic in every shard that has partitions of it, then calls <paramref name="done"/>.</summary>
    public Task DropAsync(TopicImage topic, Action done)
    {
        Ask<SequencerMessage, ErrorCode> message = reply => new SequencerMessage.DeleteTopic(topic.Id, reply);
        IEnumerable<int> shards = Enumerable.Range(0, topic.PartitionCount).Select(partition => region.ShardOf(new TopicPartition(topic.Id, partition)));
        return ForEachShardAsync(shards.Distinct().Select(shard => (shard, message)), done);
    }

    private async Task ForEachShardAsync(IEnumerable<(int Shard, Ask<SequencerMessage, ErrorCode> Message)> messages, Action done)
    {
        bool[] confirmed = await Task.WhenAll(messages.Select(entry => ConfirmAsync(entry.Shard, entry.Message)));
        if (Array.TrueForAll(confirmed, static one => one))
            done();
    }

    /// <summary>Whether the shard confirmed; not when the system stops first, or the topic has been deleted meanwhile.</summary>
    private async Task<bool> ConfirmAsync(int shard, Ask<SequencerMessage, ErrorCode> message)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5), system.CreateRandom());
        while (true)
        {
            try
            {
                ErrorCode error = await region.Sequencer(shard).AskAsync(message, s_deadline, system.Stopping);
                if (error == ErrorCode.None)
                    return true;
                if (error == ErrorCode.UnknownTopicOrPartition)
                    return false;
                _log.LogWarning("Shard {Shard} answered {Error}; trying again", shard, error);
            }
            catch (Exception error) when (error is TimeoutException or ActorStoppedException && !system.Stopping.IsCancellationRequested)
            {
                _log.LogWarning("Shard {Shard} did not answer ({Error}); trying again", shard, error.Message);
            }
            catch (Exception) when (system.Stopping.IsCancellationRequested)
            {
                return false;
            }
            await Task.Delay(backoff.Next(), system.Time, CancellationToken.None);
        }
    }
}

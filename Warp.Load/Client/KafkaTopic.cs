using Warp.Protocol.Messages;

namespace Warp.Load.Client;

/// <summary>A topic as a broker's metadata describe it: newer requests name it by its id, older ones by its name.</summary>
public sealed record KafkaTopic(string Name, Guid Id, int PartitionCount)
{
    private static readonly TimeSpan s_retryInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Asks for a topic until all of its partitions have a leader, as clients do after they have created it.</summary>
    /// <param name="client">Connected to any broker of the cluster.</param>
    /// <param name="name">The topic.</param>
    /// <param name="time">Waits between two questions.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="KafkaException">An error that does not pass by itself.</exception>
    public static async Task<KafkaTopic> WaitForAsync(
        KafkaClient client, string name, TimeProvider time, CancellationToken cancellationToken)
    {
        while (true)
        {
            MetadataResponse metadata = await client.GetMetadataAsync([name], cancellationToken);
            KafkaException.ThrowIfError(metadata.ErrorCode, "Metadata");
            MetadataResponse.MetadataResponseTopic topic = metadata.Topics.Single();
            ErrorCode error = topic.Partitions
                .Select(static partition => partition.ErrorCode)
                .Prepend(topic.ErrorCode)
                .FirstOrDefault(static error => error != ErrorCode.None);
            if (error == ErrorCode.None)
                return new KafkaTopic(name, topic.TopicId, topic.Partitions.Count);
            if (!error.IsRetriable())
                KafkaException.ThrowIfError(error, $"Metadata of {name}");
            await Task.Delay(s_retryInterval, time, cancellationToken);
        }
    }
}

using Warp.Actors.Catalog;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>DescribeProducers (KIP-664), version 0: the idempotent producers whose sequence numbers a partition remembers.</summary>
public sealed class DescribeProducersHandler(CatalogClient catalog, SequencerQuestions sequencers)
    : ApiHandler<DescribeProducersRequest>(ApiKey.DescribeProducers, 0, 0)
{
    /// <summary>The epoch where no coordinator has written a transaction's end.</summary>
    private const int NoCoordinator = -1;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeProducersRequest request)
    {
        CatalogImage image = catalog.Image;
        var response = new DescribeProducersResponse();
        var asked = new List<(TopicPartition Partition, DescribeProducersResponse.PartitionResponse Answer)>();
        foreach (DescribeProducersRequest.TopicRequest wanted in request.Topics)
        {
            TopicImage? topic = image.Find(wanted.Name);
            ErrorCode absence = TopicName.Validate(wanted.Name) is null
                ? ErrorCode.UnknownTopicOrPartition
                : ErrorCode.InvalidTopicException;
            var answers = new DescribeProducersResponse.TopicResponse { Name = wanted.Name };
            response.Topics.Add(answers);
            foreach (int partition in wanted.PartitionIndexes)
            {
                var answer = new DescribeProducersResponse.PartitionResponse { PartitionIndex = partition };
                answers.Partitions.Add(answer);
                if (topic is not null && partition >= 0 && partition < topic.OpenPartitionCount)
                    asked.Add((new TopicPartition(topic.Id, partition), answer));
                else
                    answer.ErrorCode = absence;
            }
        }
        PartitionProducers[] found = await sequencers.DescribeProducersAsync(
            [.. asked.Select(static entry => entry.Partition)], context.ConnectionClosed);
        for (int i = 0; i < found.Length; i++)
        {
            asked[i].Answer.ErrorCode = found[i].Error;
            asked[i].Answer.ActiveProducers.AddRange(found[i].Producers.Select(Describe));
        }
        return response;
    }

    private static DescribeProducersResponse.ActiveProducer Describe(ActiveProducer producer) => new()
    {
        ProducerId = producer.ProducerId,
        ProducerEpoch = producer.Epoch,
        LastSequence = producer.LastSequence,
        LastTimestamp = producer.LastWriteMs,
        CoordinatorEpoch = NoCoordinator,
    };
}

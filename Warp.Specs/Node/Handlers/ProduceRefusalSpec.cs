using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Warp.Specs.Scenarios;
using Warp.Specs.Streams.Objects.Quorum;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Resilience;
using Xunit;

namespace Warp.Specs.Node.Handlers;

public sealed class ProduceRefusalSpec
{
    [Fact]
    public async Task While_the_store_is_unavailable_records_are_refused_at_once_with_an_error_that_clients_retry()
    {
        var time = new ManualTime();
        var health = new StoreHealth(time);
        var store = new BreakerObjectStore(new DeadObjectStore(), health, time);
        var catalog = new PublishedCatalog(ImmutableSortedDictionary<string, string>.Empty);
        // Neither the intake nor the pipeline may see the records.
        var handler = new ProduceHandler(catalog, null!, null!, health);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, await ProduceAsync());

        for (int i = 0; i < StoreHealth.MostFailuresInARow; i++)
            await Assert.ThrowsAsync<ObjectStoreException>(() => store.PutAsync("key", [], TestContext.Current.CancellationToken));
        Assert.Equal(ErrorCode.KafkaStorageError, await ProduceAsync());

        // After the pause somebody must try.
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, await ProduceAsync());

        async Task<ErrorCode> ProduceAsync()
        {
            var request = new ProduceRequest
            {
                Acks = -1,
                TimeoutMs = 1000,
                TopicData = [new() { Name = "topic", PartitionData = [new() { Index = 0, Records = new RecordSet(Batches.Of("value")) }] }],
            };
            var response = await handler.CallAsync<ProduceResponse>(request, 11);
            return response.Responses[0].PartitionResponses[0].ErrorCode;
        }
    }
}

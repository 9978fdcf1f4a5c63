using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Warp.Specs.Scenarios;
using Warp.Streams.Objects.Resilience;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Node.Handlers;

public sealed class ProduceFailureSpec
{
    [Fact]
    public async Task A_failure_in_the_middle_of_a_request_gives_its_bytes_back()
    {
        var clock = new StoppingTime();
        var catalog = new PublishedCatalog(ImmutableSortedDictionary<string, string>.Empty);
        var created = new TopicCreated { Name = "topic", TopicId = Guid.NewGuid(), PartitionCount = 3 };
        var opened = new TopicOpened { TopicId = created.TopicId, PartitionCount = 3 };
        catalog.Publish(CatalogImage.Empty(catalog.StaticConfigs).Apply(created).Apply(opened), 1, []);
        // The pipeline must not see the records.
        var handler = new ProduceHandler(catalog, new ProduceIntake(new ClusterClock(clock)), null!, new StoreHealth(new ManualTime()));
        var request = new ProduceRequest { Acks = -1, TimeoutMs = 1000, TopicData = [new() { Name = "topic" }] };
        for (int partition = 0; partition < 3; partition++)
            request.TopicData[0].PartitionData.Add(new() { Index = partition, Records = new RecordSet(Batches.Of("value")) });
        bool isGivenBack = false;

        // It comes to the first two partitions.
        clock.ReadingsLeft = 2;
        var failure = await Assert.ThrowsAsync<TimeoutException>(
            () => handler.CallAsync<ProduceResponse>(request, 11, PooledBuffer.Rent(1, _ => isGivenBack = true)));

        Assert.Same(StoppingTime.Failure, failure);
        Assert.Equal(0, clock.ReadingsLeft);
        Assert.True(isGivenBack);
    }

    /// <summary>A clock that breaks after so many readings.</summary>
    private sealed class StoppingTime : TimeProvider
    {
        public static readonly TimeoutException Failure = new("the clock stands");

        public int ReadingsLeft { get; set; } = int.MaxValue;

        public override long GetTimestamp()
        {
            if (ReadingsLeft == 0)
                throw Failure;
            ReadingsLeft--;
            return base.GetTimestamp();
        }
    }
}

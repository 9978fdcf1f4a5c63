using Warp.Load.Connections;
using Xunit;

namespace Warp.Specs.Load.Connections;

public sealed class PartitionDealSpec
{
    [Theory]
    [InlineData(1, 12, 12)]
    [InlineData(4, 12, 3)]
    [InlineData(5, 12, 2)]
    [InlineData(4, 10_000, 48)]
    public void Every_partition_belongs_to_one_producer_and_is_in_one_of_its_requests(int producers, int partitions, int perRequest)
    {
        List<int[]> requests =
        [
            .. Enumerable.Range(0, producers)
                .SelectMany(producer => PartitionDeal.Requests(producer, producers, partitions, perRequest)),
        ];
        Assert.Equal(Enumerable.Range(0, partitions), requests.SelectMany(static request => request).Order());
        Assert.All(requests, request => Assert.InRange(request.Length, 1, perRequest));
    }

    [Fact]
    public void More_producers_than_partitions_share_them_evenly()
    {
        IEnumerable<int> owned =
            Enumerable.Range(0, 1_000).Select(static producer => PartitionDeal.Requests(producer, 1_000, 12, 5).Single().Single());
        Assert.All(owned.CountBy(static partition => partition), static share => Assert.InRange(share.Value, 83, 84));
    }
}

using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>The objects that are written do not depend on the number of partitions: one pipeline serves them all.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class PartitionCountSpec(ITestOutputHelper output)
{
    private const int RecordsPerSecond = 2000;
    private const int Many = 1000;
    private const int PutsPerSecond = 4;

    private static readonly TimeSpan _time = TestRun.IsLong ? TimeSpan.FromMinutes(1) : TimeSpan.FromSeconds(6);

    [Fact]
    public async Task A_thousand_partitions_make_as_many_objects_a_second_as_one()
    {
        await using var node = await WarpProcess.StartAsync($"warp.flush.puts-per-second-max={PutsPerSecond}");
        using var admin = await KafkaSocket.ConnectAsync(node.Bootstrap);
        await CreateAsync(admin, "one", 1);
        await CreateAsync(admin, "many", Many);

        var one = await PacedLoad.RunAsync(node, "one", 1, RecordsPerSecond, _time);
        output.WriteLine($"1 partition: {one}");
        var many = await PacedLoad.RunAsync(node, "many", Many, RecordsPerSecond, _time);
        output.WriteLine($"{Many} partitions: {many}");

        Assert.InRange(one.Puts, 1, one.MostPuts(PutsPerSecond));
        Assert.InRange(many.Puts, 1, many.MostPuts(PutsPerSecond));
        // The same bytes, in the same number of objects: each holds the batches of many partitions.
        Assert.Equal(many.Records, many.Batches);
        Assert.InRange(many.Batches / many.Puts, RecordsPerSecond / 8, double.PositiveInfinity);
        Assert.Equal(Enumerable.Repeat(many.Records / Many, Many), await EndsAsync(admin, "many", Many));
    }

    private static async Task CreateAsync(KafkaSocket admin, string topic, int partitions)
    {
        var wanted = new CreateTopicsRequest.CreatableTopic { Name = topic, NumPartitions = partitions, ReplicationFactor = 1 };
        var request = new CreateTopicsRequest { Topics = [wanted], TimeoutMs = 30_000 };
        var response = await admin.AskAsync<CreateTopicsResponse>(request, 7);
        Assert.Equal(ErrorCode.None, response.Topics[0].ErrorCode);
    }

    private static async Task<IEnumerable<long>> EndsAsync(KafkaSocket admin, string topic, int partitions)
    {
        const long Latest = -1;
        var request = new ListOffsetsRequest { Topics = [new() { Name = topic }] };
        request.Topics[0].Partitions.AddRange(Enumerable.Range(0, partitions).Select(
            static partition => new ListOffsetsRequest.ListOffsetsPartition { PartitionIndex = partition, Timestamp = Latest }));
        var response = await admin.AskAsync<ListOffsetsResponse>(request, 7);
        return response.Topics[0].Partitions.Select(static partition => partition.Offset);
    }
}

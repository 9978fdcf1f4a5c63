using Microsoft.Extensions.Logging.Abstractions;
using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>DeleteRecords and OffsetForLeaderEpoch, which ask the sequencers.</summary>
public sealed class LogHandlersSpec(ActorsFixture actors) : IClassFixture<ActorsFixture>
{
    [Theory]
    [InlineData(0, 4, 4)]
    [InlineData(1, -1, 10)]
    [InlineData(2, 10, 10)]
    [InlineData(2, 0, 0)]
    public async Task Records_are_deleted_up_to_an_offset(short version, long offset, long lowWatermark)
    {
        TopicImage topic = await actors.CreateTopicAsync($"shrinks-{version}-{offset}");
        Assert.Equal(0, await actors.AppendAsync(topic, 0, 10));
        Assert.Equal((ErrorCode.None, lowWatermark), await DeleteAsync(version, topic.Name, 0, offset));
        // Below the low watermark there is nothing left to do.
        Assert.Equal((ErrorCode.None, lowWatermark), await DeleteAsync(version, topic.Name, 0, 0));
    }

    [Theory]
    [InlineData(11)]
    [InlineData(-2)]
    public async Task Offsets_that_the_log_has_not_are_out_of_range(long offset)
    {
        TopicImage topic = await actors.CreateTopicAsync($"ranges-{offset}");
        await actors.AppendAsync(topic, 0, 10);
        Assert.Equal((ErrorCode.OffsetOutOfRange, -1), await DeleteAsync(2, topic.Name, 0, offset));
    }

    [Fact]
    public async Task Each_partition_gets_its_own_answer()
    {
        TopicImage topic = await actors.CreateTopicAsync("many", partitions: 6);
        var request = new DeleteRecordsRequest { TimeoutMs = 30_000 };
        var partitions = Enumerable.Range(-1, 8)
            .Select(static i => new DeleteRecordsRequest.DeleteRecordsPartition { PartitionIndex = i, Offset = 0 });
        request.Topics.Add(new() { Name = topic.Name, Partitions = [.. partitions] });
        request.Topics.Add(new() { Name = "never-was", Partitions = [new() { PartitionIndex = 0, Offset = 0 }] });
        DeleteRecordsResponse response = await Deletion.CallAsync<DeleteRecordsResponse>(request, 2);
        Assert.Equal(
            Enumerable.Range(-1, 8).Select(static i => (i, i is >= 0 and < 6 ? ErrorCode.None : ErrorCode.UnknownTopicOrPartition)),
            response.Topics[0].Partitions.Select(static partition => (partition.PartitionIndex, partition.ErrorCode)));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Assert.Single(response.Topics[1].Partitions).ErrorCode);
    }

    [Fact]
    public async Task A_topic_that_is_only_compacted_keeps_its_records()
    {
        TopicImage topic = await actors.CreateTopicAsync("compacted", configs: ("cleanup.policy", "compact"));
        Assert.Equal((ErrorCode.PolicyViolation, -1), await DeleteAsync(2, topic.Name, 0, 0));
        TopicImage both = await actors.CreateTopicAsync("compacted-and-deleted", configs: ("cleanup.policy", "compact,delete"));
        Assert.Equal((ErrorCode.None, 0), await DeleteAsync(2, both.Name, 0, 0));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Every_epoch_reaches_to_the_end_of_the_log(short version)
    {
        TopicImage topic = await actors.CreateTopicAsync($"epochs-{version}", partitions: 5);
        for (int i = 0; i < 5; i++)
            await actors.AppendAsync(topic, i, 10 + i);
        var request = new OffsetForLeaderEpochRequest();
        request.Topics.Add(new()
        {
            Topic = topic.Name,
            Partitions = [.. Enumerable.Range(0, 6).Select(static i =>
                new OffsetForLeaderEpochRequest.OffsetForLeaderPartition { Partition = i, LeaderEpoch = i, CurrentLeaderEpoch = 1000 })],
        });
        OffsetForLeaderEpochResponse response = await Epochs.CallAsync<OffsetForLeaderEpochResponse>(request, version);
        List<OffsetForLeaderEpochResponse.EpochEndOffset> found = Assert.Single(response.Topics).Partitions;
        Assert.Equal(
            Enumerable.Range(0, 5).Select(static i => (i, ErrorCode.None, i, 10L + i)),
            found.Take(5).Select(static end => (end.Partition, end.ErrorCode, end.LeaderEpoch, end.EndOffset)));
        Assert.Equal((ErrorCode.UnknownTopicOrPartition, -1, -1L), (found[5].ErrorCode, found[5].LeaderEpoch, found[5].EndOffset));
    }

    [Fact]
    public async Task No_epoch_ends_nowhere()
    {
        TopicImage topic = await actors.CreateTopicAsync("no-epoch");
        var request = new OffsetForLeaderEpochRequest
        {
            Topics = [new() { Topic = topic.Name, Partitions = [new() { Partition = 0, LeaderEpoch = -1 }] }],
        };
        var end = Assert.Single((await Epochs.CallAsync<OffsetForLeaderEpochResponse>(request, 4)).Topics[0].Partitions);
        Assert.Equal((ErrorCode.None, -1, -1L), (end.ErrorCode, end.LeaderEpoch, end.EndOffset));
    }

    private DeleteRecordsHandler Deletion => new(actors.Client, actors.Region, NullLogger<DeleteRecordsHandler>.Instance);

    private OffsetForLeaderEpochHandler Epochs =>
        new(actors.Client, new SequencerQuestions(actors.Region, NullLogger<SequencerQuestions>.Instance));

    private async Task<(ErrorCode Error, long LowWatermark)> DeleteAsync(short version, string topic, int partition, long offset)
    {
        var request = new DeleteRecordsRequest
        {
            TimeoutMs = 30_000,
            Topics = [new() { Name = topic, Partitions = [new() { PartitionIndex = partition, Offset = offset }] }],
        };
        DeleteRecordsResponse response = await Deletion.CallAsync<DeleteRecordsResponse>(request, version);
        var result = Assert.Single(response.Topics[0].Partitions);
        return (result.ErrorCode, result.LowWatermark);
    }
}

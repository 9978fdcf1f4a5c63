using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Xunit;

namespace Warp.Specs.Actors.Sharding;

/// <summary>Where an entity lies is recorded with the cluster by the rule's name: the rule can never change.</summary>
public sealed class EntityHashSpec
{
    [Theory]
    [InlineData("00000000-0000-0000-0000-000000000000", 0, 64, 37)]
    [InlineData("00112233-4455-6677-8899-aabbccddeeff", 0, 64, 53)]
    [InlineData("00112233-4455-6677-8899-aabbccddeeff", 63, 64, 52)]
    [InlineData("fedcba98-7654-3210-fedc-ba9876543210", 7, 64, 12)]
    [InlineData("fedcba98-7654-3210-fedc-ba9876543210", 7, 5, 2)]
    public void The_rule_is_frozen(string topicId, int partition, int shards, int shard)
    {
        Assert.Equal("fnv1a-topic-plus-partition", EntityHash.Name);
        Assert.Equal(shard, EntityHash.ShardOf(new TopicPartition(new Guid(topicId), partition), shards));
    }

    [Theory]
    [InlineData("", 64, 37)]
    [InlineData("a", 64, 12)]
    [InlineData("gr\u00fcppe", 64, 58)]
    public void The_rule_for_names_is_frozen(string name, int shards, int shard)
    {
        Assert.Equal("fnv1a-text", EntityHash.TextName);
        Assert.Equal(shard, EntityHash.ShardOf(name, shards));
    }

    [Fact]
    public void The_numbers_of_shards_are_frozen() => Assert.Equal((64, 1000), (ShardIds.Count, ShardIds.Catalog));

    [Fact]
    public void Neighbouring_partitions_lie_in_neighbouring_shards_so_that_a_topic_spreads_evenly()
    {
        var topic = new Guid("00112233-4455-6677-8899-aabbccddeeff");
        int[] shards = [.. Enumerable.Range(0, 64).Select(partition => EntityHash.ShardOf(new TopicPartition(topic, partition), 64))];

        Assert.Equal(64, shards.Distinct().Count());
        for (int i = 1; i < shards.Length; i++)
            Assert.Equal((shards[i - 1] + 1) % 64, shards[i]);
    }

    [Fact]
    public void Topics_of_one_partition_spread_over_the_shards()
    {
        var random = new Random(1);
        var counts = new int[64];
        var bytes = new byte[16];
        for (int i = 0; i < 6400; i++)
        {
            random.NextBytes(bytes);
            counts[EntityHash.ShardOf(new TopicPartition(new Guid(bytes), 0), 64)]++;
        }

        Assert.All(counts, static count => Assert.InRange(count, 60, 145));
    }
}

using System.Text;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Sharding;

/// <summary>
/// The rule from entity to shard. Its name is recorded in the journal when a cluster is made: a later rule gets a name of its own, and
/// never applies to a cluster made with this one.
/// </summary>
public static class EntityHash
{
    /// <summary>FNV-1a (64 bits) of the topic id's 16 bytes, plus the partition number, modulo the shard count.</summary>
    public const string Name = "fnv1a-topic-plus-partition";

    /// <summary>The rule for entities that go by a text, such as groups: FNV-1a (64 bits) of its UTF-8 bytes, modulo the shard count.</summary>
    public const string TextName = "fnv1a-text";

    /// <summary>The shard of a partition. Neighbouring partitions of a topic lie in neighbouring shards, so that a topic spreads evenly.</summary>
    public static int ShardOf(TopicPartition partition, int shardCount)
    {
        Span<byte> bytes = stackalloc byte[16];
        partition.TopicId.TryWriteBytes(bytes, bigEndian: true, out _);
        return (int)((Fnv1a(bytes) + (uint)partition.Partition) % (uint)shardCount);
    }

    /// <summary>The shard of a named entity (<see cref="TextName"/>).</summary>
    public static int ShardOf(string name, int shardCount) => (int)(Fnv1a(Encoding.UTF8.GetBytes(name)) % (uint)shardCount);

    private static ulong Fnv1a(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (byte b in bytes)
            hash = (hash ^ b) * 0x100000001B3;
        return hash;
    }
}

using Warp.Actors.Sequencing;

namespace Warp.Streams.Maintenance;

/// <summary>Who points into which object, as the sequencers' histories say. Not thread-safe.</summary>
internal sealed class ExtentIndex
{
    private readonly Dictionary<ObjectId, ObjectUses> _objects = [];

    /// <summary>How many extents were seen, those that were not kept included.</summary>
    public long Extents { get; private set; }

    public void Add(int shardId, TopicPartition partition, in Extent extent, bool keep)
    {
        Extents++;
        if (!keep || extent.Source != ExtentSource.Object)
            return;
        if (!_objects.TryGetValue(extent.ObjectId, out ObjectUses? uses))
            _objects.Add(extent.ObjectId, uses = new ObjectUses());
        uses.Shards |= 1UL << shardId;
        uses.Extents.Add(new PlacedExtent(partition, extent));
    }

    /// <summary>Forgets all, to make room.</summary>
    public void Clear() => _objects.Clear();

    /// <summary>Takes the uses of an object out; null when nobody points into it.</summary>
    public ObjectUses? Take(ObjectId id) => _objects.Remove(id, out ObjectUses? uses) ? uses : null;

    /// <summary>The objects that were not taken.</summary>
    public IEnumerable<KeyValuePair<ObjectId, ObjectUses>> Left => _objects;
}

/// <summary>What points into one object.</summary>
internal sealed class ObjectUses
{
    /// <summary>A bit for each shard.</summary>
    public ulong Shards { get; set; }

    public List<PlacedExtent> Extents { get; } = [];
}

/// <summary>A run of records and the partition that it belongs to.</summary>
internal readonly record struct PlacedExtent(TopicPartition Partition, Extent Extent);

namespace Warp.Actors.Sequencing;

/// <summary>A partition by its topic's id, which outlives renames and tells a topic from a later one of the same name.</summary>
public readonly record struct TopicPartition(Guid TopicId, int Partition)
{
    public override string ToString() => $"{TopicId}-{Partition}";
}

using System.Collections.Immutable;

namespace Warp.Actors.Catalog;

/// <summary>A topic, as of one version of the catalog. Immutable.</summary>
public sealed record TopicImage
{
    public required Guid Id { get; init; }

    public required string Name { get; init; }

    /// <summary>How many partitions it is to have.</summary>
    public required int PartitionCount { get; init; }

    /// <summary>How many can be written and read; fewer only while sequencers open them.</summary>
    public int OpenPartitionCount { get; init; }

    /// <summary>As asked for: object storage replicates by itself, but tools compare what they set with what they see.</summary>
    public required short ReplicationFactor { get; init; }

    /// <summary>The configs that the topic sets itself.</summary>
    public required ImmutableSortedDictionary<string, string> Overrides { get; init; }

    /// <summary>The configs in effect.</summary>
    public required EffectiveTopicConfig Config { get; init; }

    /// <summary>Whether clients can see it.</summary>
    public bool IsOpen => OpenPartitionCount > 0 && !IsDeleted;

    /// <summary>Whether it only waits for its sequencers to drop it.</summary>
    public bool IsDeleted { get; init; }

    /// <summary>When it was made, in ms since 1970.</summary>
    public long CreatedMs { get; init; }
}

namespace Warp.Actors.Catalog;

/// <summary>One place that gives a config a value, in DescribeConfigs.</summary>
/// <param name="Name">The config's name at that place, such as <c>log.retention.hours</c> for the topic's <c>retention.ms</c>.</param>
/// <param name="Value">In the unit of that name.</param>
/// <param name="Source">Which place.</param>
public sealed record ConfigSynonym(string Name, string? Value, ConfigSource Source);

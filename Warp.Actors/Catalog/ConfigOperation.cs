namespace Warp.Actors.Catalog;

/// <summary>What IncrementalAlterConfigs does to a config, with its ids.</summary>
public enum ConfigOperation : sbyte
{
    Set = 0,

    /// <summary>Back to the default.</summary>
    Delete = 1,

    /// <summary>Adds elements to a list; to its default when it is unset.</summary>
    Append = 2,

    /// <summary>Takes elements out of a list; out of its default when it is unset.</summary>
    Subtract = 3,
}

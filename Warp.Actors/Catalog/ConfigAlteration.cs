namespace Warp.Actors.Catalog;

/// <summary>One change asked for by IncrementalAlterConfigs (KIP-339).</summary>
/// <param name="Name">Of the config.</param>
/// <param name="Operation">As on the wire, so it may be a number that is none of the operations.</param>
/// <param name="Value">Not looked at by a deletion; null is refused by the others.</param>
public sealed record ConfigAlteration(string Name, ConfigOperation Operation, string? Value);

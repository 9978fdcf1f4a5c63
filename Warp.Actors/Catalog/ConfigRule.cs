namespace Warp.Actors.Catalog;

/// <summary>Judges a value whose type is known to be right.</summary>
/// <returns>Null when it is valid, otherwise what it must be.</returns>
public delegate string? ConfigRule(string value);

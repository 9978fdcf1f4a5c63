namespace Warp.Actors.Catalog;

/// <summary>How a part of an entity is looked for. The numbers are those of the wire.</summary>
public enum QuotaMatch : sbyte
{
    /// <summary>By its name.</summary>
    Exact = 0,

    /// <summary>It is the default.</summary>
    Default = 1,

    /// <summary>Any name, or the default.</summary>
    Any = 2,
}

/// <summary>Which entities are looked for: those that have all of these parts, and with <paramref name="Strict"/> no others.</summary>
/// <param name="Parts">What to look for by type.</param>
/// <param name="Strict">Whether the entity may not have further parts.</param>
public sealed record QuotaFilter(IReadOnlyDictionary<string, (QuotaMatch Match, string? Name)> Parts, bool Strict)
{
    public bool Matches(QuotaEntity entity)
    {
        if (Strict && entity.Parts.Count() != Parts.Count)
            return false;
        foreach ((string type, (QuotaMatch match, string? name)) in Parts)
        {
            // For the default the name is null on both sides.
            if (entity.PartOf(type) is not { } subject || (match != QuotaMatch.Any && subject.Name != name))
                return false;
        }
        return true;
    }
}

namespace Warp.Node.Configuration;

/// <summary>
/// Where a configured value was written. <paramref name="Source"/> is a file as the operator named it, an environment variable or
/// <c>--set</c>; <paramref name="Line"/> and <paramref name="Column"/> count from 1 and are 0 where the source has no lines.
/// </summary>
public sealed record ConfigurationOrigin(string Source, int Line = 0, int Column = 0)
{
    /// <summary>The place to the character, for syntax errors: <c>warp.conf:12:5</c>.</summary>
    public string Position => Line == 0 ? Source : $"{Source}:{Line}:{Column}";

    /// <summary>The place to the line, for everything else: <c>warp.conf:12</c>.</summary>
    public override string ToString() => Line == 0 ? Source : $"{Source}:{Line}";
}

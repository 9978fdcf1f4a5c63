namespace Warp.Specs.Chaos;

/// <summary>A broken promise that <see cref="History.Check"/> has found.</summary>
/// <param name="Kind">Which promise.</param>
/// <param name="Description">What was expected and what was there.</param>
public sealed record Defect(DefectKind Kind, string Description)
{
    public override string ToString() => $"{Kind}: {Description}";
}

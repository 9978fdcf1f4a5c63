using Warp.Node.Configuration;

namespace Warp.Specs.Node.Configuration;

/// <summary>Where the default of a setting stands, which changes with every setting that is added above it.</summary>
internal static class ReferenceLine
{
    /// <summary>As <c>reference.conf:LINE</c>.</summary>
    public static string Of(string key) => ReferenceConfiguration.Entries.Single(entry => entry.Key == key).Origin.ToString();
}

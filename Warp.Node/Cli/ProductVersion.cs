using System.Reflection;
using System.Runtime.InteropServices;

namespace Warp.Node.Cli;

/// <summary>Which Warp this is, and on what it runs.</summary>
internal static class ProductVersion
{
    public static string Number { get; } =
        typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static string Line => $"warp {Number} ({RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier})";
}

using Warp.Node.Configuration;

namespace Warp.Node.Cli.Ctl;

/// <summary>One command of <c>warp ctl</c>, read.</summary>
/// <param name="Node">Where the node listens for HTTP.</param>
/// <param name="Words">Which command, as the palette has it.</param>
/// <param name="Arguments">In order; optional ones may be missing.</param>
/// <param name="Flags">Its own ones that were given.</param>
/// <param name="Json">Whether to print JSON, for programs.</param>
public sealed record CtlCall(
    HostPort Node, string Words, IReadOnlyList<string> Arguments, IReadOnlySet<string> Flags, bool Json);

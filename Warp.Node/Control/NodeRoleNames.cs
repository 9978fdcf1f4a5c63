using Warp.Node.Configuration;

namespace Warp.Node.Control;

/// <summary>The roles of nodes as <c>warp.node.roles</c> names them.</summary>
internal static class NodeRoleNames
{
    private static readonly NodeRoles[] s_single = [NodeRoles.Produce, NodeRoles.Fetch, NodeRoles.Control, NodeRoles.Jobs];

    public static IEnumerable<string> Of(NodeRoles roles) =>
        s_single.Where(role => roles.HasFlag(role)).Select(static role => role.ToString().ToLowerInvariant());
}

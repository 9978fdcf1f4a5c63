using System.Text.RegularExpressions;
using Warp.Node.Configuration;

namespace Warp.Node.Handlers;

/// <summary>
/// Which node a client is sent to. One for all partitions, so that a producer fills one pipeline; the same whichever node it asks, so that
/// it stays there; and one of its own zone, because traffic between zones costs money. A function of its arguments alone.
/// </summary>
public static partial class ClientRouting
{
    private const string ProduceOnly = "produce";
    private const string FetchOnly = "fetch";

    /// <summary>
    /// The zone that a client says it is in, by <c>warp_az=ZONE</c> (or <c>ws_az=ZONE</c>) within its <c>client.id</c>; null if it does not.
    /// </summary>
    public static string? ZoneOf(string clientId) => ZoneTag().Match(clientId) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>The node for a client; null if none of them can do what it needs.</summary>
    /// <param name="nodes">Those that may be named, of its group.</param>
    /// <param name="asked">The node that it asks; its zone is the client's unless that says another one.</param>
    /// <param name="clientId">Its <c>client.id</c>; <c>warp_role=produce</c> or <c>warp_role=fetch</c> in it lets it be sent to nodes that do only that.</param>
    /// <param name="clientHost">Its address.</param>
    public static int? LeaderOf(IEnumerable<ClusterNode> nodes, ClusterNode asked, string clientId, string clientHost)
    {
        string? zone = ZoneOf(clientId) ?? asked.Zone;
        string role = RoleTag().Match(clientId) is { Success: true } match ? match.Groups[1].Value : "";
        ClusterNode[] able = [.. Able(nodes, role)];
        ClusterNode[] near = [.. able.Where(node => zone is not null && node.Zone == zone)];
        ClusterNode[] candidates = near.Length > 0 ? near : able;
        return Rendezvous.Of($"{clientId}\n{clientHost}\n{zone}\n{asked.Group}\n", candidates)?.NodeId;
    }

    /// <summary>Clients do not say whether they produce or consume: unless one does, it needs a node for both, if there is any.</summary>
    private static IEnumerable<ClusterNode> Able(IEnumerable<ClusterNode> nodes, string role)
    {
        NodeRoles needed = role switch
        {
            ProduceOnly => NodeRoles.Produce,
            FetchOnly => NodeRoles.Fetch,
            _ => NodeRoles.Produce | NodeRoles.Fetch,
        };
        ClusterNode[] all = [.. nodes];
        ClusterNode[] able = [.. all.Where(node => node.Roles.HasFlag(needed))];
        return able.Length > 0 ? able : all.Where(static node => (node.Roles & (NodeRoles.Produce | NodeRoles.Fetch)) != 0);
    }

    [GeneratedRegex(@"(?:warp|ws)_az=([^\s,;&]+)")]
    private static partial Regex ZoneTag();

    [GeneratedRegex(@"warp_role=(produce|fetch)(?![^\s,;&])")]
    private static partial Regex RoleTag();
}

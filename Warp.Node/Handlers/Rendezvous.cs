using System.Text;

namespace Warp.Node.Handlers;

/// <summary>Rendezvous hashing: when a node comes or goes, only those move that go to it or were on it.</summary>
internal static class Rendezvous
{
    /// <summary>The node for a key, the same whatever the order of the nodes; null if there are none.</summary>
    public static ClusterNode? Of(string key, IEnumerable<ClusterNode> nodes) => nodes.MaxBy(node => (Hash(key, node.NodeId), node.NodeId));

    /// <summary>FNV-1a of the key, and over it the node, mixed so that neighbouring ids are far apart.</summary>
    private static ulong Hash(string key, int nodeId)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (byte b in Encoding.UTF8.GetBytes(key))
            hash = (hash ^ b) * 0x100000001B3;
        hash ^= (ulong)nodeId * 0x9E3779B97F4A7C15;
        hash = (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93;
        return hash ^ (hash >> 32);
    }
}

using Warp.Actors.Cluster;
using Warp.Actors.Persistence;

namespace Warp.Specs.Hosting;

/// <summary>The calls of <see cref="IMembership"/> with what a test does not care for left out.</summary>
public static class MembershipCalls
{
    private static readonly TimeSpan s_lease = new TimeConstants().Lease;

    private static int _hosts;

    /// <summary>A node on a host where nobody is yet, so that it is in nobody's way.</summary>
    public static NodeDescription NewDescription() => DescriptionAt($"host-{Interlocked.Increment(ref _hosts)}.example");

    /// <summary>A node on a host.</summary>
    public static NodeDescription DescriptionAt(string host) => new(
        new NodeAddress(host, 9092), new NodeAddress(host, 9094), new NodeAddress(host, 9644), "zone-a", "default", 15, "1.2.3", 1);

    /// <summary>Registers a node on a host of its own.</summary>
    public static ValueTask<NodeIncarnation> RegisterNodeAsync(
        this IMembership membership, int? nodeId, CancellationToken cancellationToken) =>
        membership.RegisterNodeAsync(new NodeRegistration(nodeId, NewDescription()), s_lease, cancellationToken);

    /// <summary>The fences that a heartbeat finds standing.</summary>
    public static async ValueTask<IReadOnlyList<Fence>> RenewAsync(
        this IMembership membership, NodeIncarnation node, IReadOnlyList<Fence> held, TimeSpan lease, CancellationToken cancellationToken) =>
        (await membership.HeartbeatAsync(node, NodeStatus.Well, held, lease, cancellationToken)).Renewed;
}

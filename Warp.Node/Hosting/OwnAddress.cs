using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Warp.Actors.Cluster;
using Warp.Node.Configuration;

namespace Warp.Node.Hosting;

/// <summary>
/// What a process knows of another one that has its address in the journal. Where it has taken the very port of the address itself, on this
/// machine, the other one no longer listens there: it is dead, and need not be waited for.
/// </summary>
internal static class OwnAddress
{
    /// <summary>After what silence whoever has the address is sure to be dead.</summary>
    /// <param name="listen">What this process has bound.</param>
    /// <param name="advertised">The address in the journal.</param>
    /// <param name="times">The cluster's.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async ValueTask<TimeSpan> SilenceAsync(
        HostPort listen, NodeAddress advertised, TimeConstants times, CancellationToken cancellationToken)
    {
        // Two processes can have one port on different addresses of a machine.
        if (listen.Port != advertised.Port || (!listen.IsWildcard && listen.Host != advertised.Host))
            return times.Lease;
        IPAddress[] addresses = await ResolveAsync(advertised.Host, cancellationToken);
        if (addresses.Length == 0)
            return times.Lease;
        // Every machine, and every container, has a loopback address of its own. Who advertises it has all of its cluster on one machine, or has made
        // a mistake; that one is alive, and is heard of with every heartbeat.
        if (addresses.All(IPAddress.IsLoopback))
            return 1.5 * times.LeaseRenewal;
        HashSet<IPAddress> own =
        [
            .. NetworkInterface.GetAllNetworkInterfaces().SelectMany(static nic => nic.GetIPProperties().UnicastAddresses).Select(static entry => entry.Address),
        ];
        return addresses.All(own.Contains) ? TimeSpan.Zero : times.Lease;
    }

    private static async ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        try
        {
            return IPAddress.TryParse(host, out IPAddress? address) ? [address] : await Dns.GetHostAddressesAsync(host, cancellationToken);
        }
        catch (SocketException)
        {
            return [];
        }
    }
}

using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Calls to the other members of the cluster by who they are. Thread-safe.</summary>
public sealed class ClusterPeers : IDisposable
{
    private static readonly TimeSpan s_nudge = TimeSpan.FromSeconds(2);

    private readonly PeerNetwork _network;
    private readonly ClusterMembership _membership;
    private readonly ActorSystem _system;
    private readonly ILogger _log;

    /// <param name="system">Clock and scheduler.</param>
    /// <param name="network">The connections; stays the caller's.</param>
    /// <param name="membership">Says where members are.</param>
    public ClusterPeers(ActorSystem system, PeerNetwork network, ClusterMembership membership)
    {
        _system = system;
        _network = network;
        _membership = membership;
        _log = system.Loggers.CreateLogger("peers");
        membership.Changed += Retain;
    }

    /// <summary>Asks a member. <inheritdoc cref="PeerNetwork.CallAsync" path="/summary"/></summary>
    /// <exception cref="PeerCallException">There is no response; also when there is no such member (any more).</exception>
    public Task<TResponse> CallAsync<TResponse>(
        NodeIncarnation node, IRequest request, TimeSpan deadline, CancellationToken cancellationToken)
        where TResponse : class, IResponse =>
        _network.CallAsync<TResponse>(AddressOf(node), request, deadline, cancellationToken);

    /// <inheritdoc cref="PeerNetwork.OpenAsync"/>
    public Task OpenAsync(NodeIncarnation node, CancellationToken cancellationToken) => _network.OpenAsync(AddressOf(node), cancellationToken);

    /// <summary>Where a member is.</summary>
    /// <exception cref="PeerCallException">There is no such member (any more).</exception>
    public PeerAddress AddressOf(NodeIncarnation node) => _membership.Current.Find(node) is { } row
        ? AddressOf(row)
        : throw new PeerCallException(PeerFailure.NotSent, $"Node {node} is not a live member of the cluster.");

    /// <summary>Has all other members look at once what has changed. Those that do not hear it look by themselves a moment later.</summary>
    public void Nudge(ClusterMembers members)
    {
        foreach (NodeRow row in members.Live.Where(row => row.Node != members.Self))
            _ = _system.Start(() => NudgeAsync(row));
    }

    /// <summary>Whether a member answers.</summary>
    public async Task<bool> IsReachedAsync(NodeRow row, TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            await _network.CallAsync<PingResponse>(AddressOf(row), new PingRequest(), patience, cancellationToken);
            return true;
        }
        catch (PeerCallException)
        {
            return false;
        }
    }

    /// <summary>What another member hears from the journal; null when none answers.</summary>
    public async Task<Heartbeat?> RelayAsync(CancellationToken cancellationToken)
    {
        ClusterMembers members = _membership.Current;
        foreach (NodeRow row in members.Live.Where(row => row.Node != members.Self))
        {
            try
            {
                RelayHeartbeatResponse response = await _network.CallAsync<RelayHeartbeatResponse>(
                    AddressOf(row), new RelayHeartbeatRequest(), s_nudge, cancellationToken);
                return RelayConversions.FromPeer(response);
            }
            catch (PeerCallException error)
            {
                _log.LogDebug("Node {Node} does not tell what it hears: {Error}", row.Node, error.Message);
            }
        }
        return null;
    }

    public void Dispose() => _membership.Changed -= Retain;

    private static PeerAddress AddressOf(NodeRow row) => new(row.Description.Rpc.Host, row.Description.Rpc.Port, row.Node);

    private void Retain(ClusterMembers members) => _network.Retain(members.Live.Select(static row => row.Node).ToHashSet());

    private async Task NudgeAsync(NodeRow row)
    {
        try
        {
            await _network.CallAsync<NudgeResponse>(AddressOf(row), new NudgeRequest(), s_nudge, _system.Stopping);
        }
        catch (Exception error) when (error is PeerCallException or OperationCanceledException)
        {
            _log.LogDebug("Node {Node} was not nudged: {Error}", row.Node, error.Message);
        }
    }
}

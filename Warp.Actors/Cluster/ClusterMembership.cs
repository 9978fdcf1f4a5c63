namespace Warp.Actors.Cluster;

/// <summary>The latest that this node has heard of the cluster's nodes. Thread-safe.</summary>
/// <param name="initial">What is known to begin with.</param>
public sealed class ClusterMembership(ClusterMembers initial)
{
    private ClusterMembers _current = initial;

    /// <summary>Called after each change, on any thread; must return at once.</summary>
    public event Action<ClusterMembers>? Changed;

    public ClusterMembers Current => Volatile.Read(ref _current);

    /// <summary>Takes over what was heard last.</summary>
    public void Publish(ClusterMembers members)
    {
        Volatile.Write(ref _current, members);
        Changed?.Invoke(members);
    }
}

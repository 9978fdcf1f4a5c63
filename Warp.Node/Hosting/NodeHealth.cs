namespace Warp.Node.Hosting;

/// <summary>
/// Whether a node lives and takes clients, for those who watch it (Kubernetes' probes, load balancers). Thread-safe. A failure is final;
/// otherwise the last call counts.
/// </summary>
public sealed class NodeHealth
{
    private readonly Lock _lock = new();
    private string? _failure;
    private string? _unreadiness = "starting";

    /// <summary>Why the node has failed for good, or null while it lives.</summary>
    public string? Failure
    {
        get
        {
            lock (_lock)
                return _failure;
        }
    }

    /// <summary>Why the node takes no clients now, or null when it does.</summary>
    public string? Unreadiness
    {
        get
        {
            lock (_lock)
                return _failure ?? _unreadiness;
        }
    }

    /// <summary>The node takes clients.</summary>
    public void Ready() => Set(null);

    /// <summary>The node takes no clients: it is starting, draining and so on.</summary>
    /// <param name="reason">A few words for people.</param>
    public void NotReady(string reason) => Set(reason);

    /// <summary>The node will never again take clients; the process should be replaced.</summary>
    /// <param name="reason">A few words for people.</param>
    public void Failed(string reason)
    {
        lock (_lock)
            _failure ??= reason;
    }

    private void Set(string? unreadiness)
    {
        lock (_lock)
            _unreadiness = unreadiness;
    }
}

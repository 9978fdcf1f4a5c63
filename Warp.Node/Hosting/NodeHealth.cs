namespace Warp.Node.Hosting;

/// <summary>
/// Whether a node lives and takes clients, for those who watch it (Kubernetes' probes, load balancers). Thread-safe. A failure is final;
/// otherwise the last call counts, and what the watched parts say.
/// </summary>
public sealed class NodeHealth
{
    private readonly Lock _lock = new();
    private readonly List<Func<string?>> _parts = [];
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

    /// <summary>Why the node takes no clients now, a line for each reason; null when it does.</summary>
    public string? Unreadiness
    {
        get
        {
            string? whole;
            Func<string?>[] parts;
            lock (_lock)
            {
                if (_failure is not null)
                    return _failure;
                (whole, parts) = (_unreadiness, [.. _parts]);
            }
            string[] reasons = [.. parts.Select(static part => part()).Prepend(whole).OfType<string>().Distinct()];
            return reasons.Length == 0 ? null : string.Join('\n', reasons);
        }
    }

    /// <summary>From now on the node is not ready while this part of it says why not.</summary>
    /// <param name="problem">A few words for people, or null while all is well; called for every question, on any thread.</param>
    public void Watch(Func<string?> problem)
    {
        lock (_lock)
            _parts.Add(problem);
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

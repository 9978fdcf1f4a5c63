namespace Warp.Node.Configuration;

/// <summary>How the values of different keys must relate. A rule is asked only if each of its keys was read without a problem.</summary>
internal static class NodeOptionsRules
{
    private static readonly Rule[] s_rules =
    [
        new(["warp.timing.lease-renewal", "warp.timing.lease", "warp.timing.lease-margin"],
            o => o.Timing.LeaseRenewal * 2 < o.Timing.Lease - o.Timing.LeaseMargin,
            "two renewals must fit into what the margin leaves of the lease (2 × lease-renewal < lease - lease-margin)"),
        Shorter("warp.timing.held-batch", o => o.Timing.HeldBatch, "warp.timing.commit-deadline", o => o.Timing.CommitDeadline),
        Shorter("warp.timing.commit-deadline", o => o.Timing.CommitDeadline, "warp.timing.plan-life", o => o.Timing.PlanLife),
        Shorter("warp.timing.plan-life", o => o.Timing.PlanLife, "warp.timing.collection-grace", o => o.Timing.CollectionGrace),
        Shorter("warp.timing.commit-deadline", o => o.Timing.CommitDeadline, "warp.timing.pending-life", o => o.Timing.PendingLife),
        Shorter("warp.timing.lease", o => o.Timing.Lease, "warp.timing.node-memory", o => o.Timing.NodeMemory),
        new(["warp.flush.size", "warp.limits.buffer-memory"],
            o => o.Flush.SizeBytes <= o.Limits.BufferMemoryBytes,
            "warp.flush.size must fit into warp.limits.buffer-memory"),
        new(["warp.compaction.l1-size", "warp.compaction.l2-size"],
            o => 2L * o.Compaction.L1SizeBytes <= o.Compaction.L2SizeBytes,
            "warp.compaction.l2-size must be at least twice warp.compaction.l1-size"),
        new(["warp.kafka.advertised"],
            o => o.Kafka.Advertised is not { IsWildcard: true },
            "warp.kafka.advertised must be a host that clients can reach, not a wildcard"),
        new(["warp.rpc.advertised"],
            o => o.Rpc.Advertised is not { IsWildcard: true },
            "warp.rpc.advertised must be a host that the other nodes can reach, not a wildcard"),
        new(["warp.rpc.tls.certificate", "warp.rpc.tls.key", "warp.rpc.tls.ca"],
            o => o.Rpc.Tls is null or { Certificate: not null, Key: not null, Ca: not null },
            "TLS between nodes needs all of warp.rpc.tls.certificate, .key and .ca"),
        Apart("warp.kafka.listen", o => o.Kafka.Listen, "warp.http.listen", o => o.Http.Listen),
        Apart("warp.kafka.listen", o => o.Kafka.Listen, "warp.rpc.listen", o => o.Rpc.Listen),
        Apart("warp.http.listen", o => o.Http.Listen, "warp.rpc.listen", o => o.Rpc.Listen),
    ];

    /// <summary>Notes every rule that is broken; <paramref name="options"/> may hold defaults in the place of values that could not be read.</summary>
    public static void Check(NodeOptions options, OptionsReader reader)
    {
        foreach (var rule in s_rules)
        {
            if (!rule.Keys.Any(reader.BadKeys.Contains) && !rule.Holds(options))
                reader.AddConflict(rule.Keys, rule.Sentence);
        }
    }

    private static Rule Shorter(string key, Func<NodeOptions, TimeSpan> of, string otherKey, Func<NodeOptions, TimeSpan> ofOther) =>
        new([key, otherKey], o => of(o) < ofOther(o), $"{key} must be shorter than {otherKey}");

    private static Rule Apart(string key, Func<NodeOptions, HostPort> of, string otherKey, Func<NodeOptions, HostPort> ofOther) =>
        new([key, otherKey], o => !Collide(of(o), ofOther(o)), $"{key} and {otherKey} must not share a port");

    private static bool Collide(HostPort one, HostPort other) =>
        one.Port != 0 && one.Port == other.Port && (one.IsWildcard || other.IsWildcard || one.Host == other.Host);

    private sealed record Rule(IReadOnlyList<string> Keys, Func<NodeOptions, bool> Holds, string Sentence);
}

using System.Text.RegularExpressions;
using Warp.Node.Configuration;
using Warp.Node.Configuration.Hocon;
using Xunit;

namespace Warp.Specs.Node.Configuration;

public sealed partial class ReferenceConfigurationSpec
{
    public static TheoryData<string> Keys =>
        new(ReferenceConfiguration.Entries.Where(entry => entry.Value is not HoconObject).Select(entry => entry.Key));

    [Fact]
    public void The_keys_are_the_known_ones() => Assert.Equal(
        [
            "warp.cache.size",
            "warp.cluster.feature-level", "warp.cluster.secret", "warp.cluster.seeds",
            "warp.compaction.bytes-per-second", "warp.compaction.enabled", "warp.compaction.interval", "warp.compaction.l1-size",
            "warp.compaction.l2-size", "warp.compaction.memory", "warp.compaction.min-objects",
            "warp.flush.interval", "warp.flush.puts-in-flight", "warp.flush.puts-per-second", "warp.flush.puts-per-second-max", "warp.flush.quiet",
            "warp.flush.size",
            "warp.gc.deletes-per-second", "warp.gc.enabled", "warp.gc.interval",
            "warp.http.listen",
            "warp.journal.url", "warp.journal.wait",
            "warp.kafka.advertised", "warp.kafka.listen",
            "warp.limits.buffer-memory", "warp.limits.connections-idle", "warp.limits.fetch-memory", "warp.limits.request-size",
            "warp.limits.requests-in-flight",
            "warp.log-compaction.interval", "warp.log-compaction.min-dirty-bytes",
            "warp.node.group", "warp.node.id", "warp.node.roles", "warp.node.zone",
            "warp.retention.check-interval",
            "warp.rpc.advertised", "warp.rpc.listen", "warp.rpc.tls.ca", "warp.rpc.tls.certificate", "warp.rpc.tls.key",
            "warp.store.attempt-timeout", "warp.store.compacted-url", "warp.store.hedge-budget", "warp.store.hedging", "warp.store.retries",
            "warp.store.url",
            "warp.timing.answer-memory", "warp.timing.collection-grace", "warp.timing.commit-deadline", "warp.timing.drain",
            "warp.timing.held-batch", "warp.timing.lease", "warp.timing.lease-margin", "warp.timing.lease-renewal",
            "warp.timing.node-memory", "warp.timing.pending-life", "warp.timing.plan-life", "warp.timing.scale",
            "warp.topic.auto-create", "warp.topic.defaults", "warp.topic.partitions",
        ],
        ReferenceConfiguration.Entries.Select(entry => entry.Key).Order(StringComparer.Ordinal));

    /// <summary>The other direction, a key that is read but not listed, fails every load of a configuration.</summary>
    [Theory]
    [MemberData(nameof(Keys))]
    public void Every_key_is_read(string key)
    {
        var sources = new ConfigurationSources { Settings = [$"{key}=§"] };
        var e = Assert.Throws<ConfigurationException>(() => NodeConfiguration.Load(sources));
        Assert.Contains(e.Problems, problem => problem.Line.StartsWith($"--set: {key} is \"{Shown(key)}\"; allowed is "));
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void Every_key_can_be_set_by_a_variable_of_its_own(string key)
    {
        var variable = key.ToUpperInvariant().Replace('.', '_').Replace('-', '_');
        var sources = new ConfigurationSources { Environment = new Dictionary<string, string> { [variable] = "§" } };
        var e = Assert.Throws<ConfigurationException>(() => NodeConfiguration.Load(sources));
        Assert.StartsWith($"{variable}: {key} is \"{Shown(key)}\"; allowed is ", Assert.Single(e.Problems).Line);
    }

    private static string Shown(string key) => key.EndsWith(".secret", StringComparison.Ordinal) ? "(hidden)" : "§";

    [Fact]
    public void Every_key_is_described_right_above_it()
    {
        var lines = ReferenceConfiguration.Text.Split('\n');
        var settings = Enumerable.Range(0, lines.Length).Where(i => Setting().IsMatch(lines[i])).ToList();
        Assert.Equal(ReferenceConfiguration.Entries.Count, settings.Count);
        Assert.All(settings, i => Assert.StartsWith("#", lines[i - 1].TrimStart()));
    }

    [GeneratedRegex(@"^\s*[a-z0-9-]+ (= \S|\{\}$)")]
    private static partial Regex Setting();
}

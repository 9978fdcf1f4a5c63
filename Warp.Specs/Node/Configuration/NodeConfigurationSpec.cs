using Warp.Node.Configuration;
using Xunit;

namespace Warp.Specs.Node.Configuration;

public sealed class NodeConfigurationSpec : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Later_sources_override_earlier_ones()
    {
        var sources = new ConfigurationSources();
        AssertGroup("default", ReferenceLine.Of("warp.node.group"), sources);

        sources = sources with { Presets = ["warp.node.group=preset"] };
        AssertGroup("preset", "preset", sources);

        var first = _folder.Write("first.conf", "warp {\n  node.group = first\n}");
        sources = sources with { Files = [first] };
        AssertGroup("first", $"{first}:2", sources);

        var second = _folder.Write("second.conf", "warp.node.group = second");
        sources = sources with { Files = [first, second] };
        AssertGroup("second", $"{second}:1", sources);

        sources = sources with { Environment = new Dictionary<string, string> { ["WARP_NODE_GROUP"] = "environment" } };
        AssertGroup("environment", "WARP_NODE_GROUP", sources);

        sources = sources with { Settings = ["warp.node.group=once", "warp.node.group=twice"] };
        AssertGroup("twice", "--set", sources);

        static void AssertGroup(string group, string origin, ConfigurationSources sources)
        {
            var configuration = NodeConfiguration.Load(sources);
            Assert.Equal(group, configuration.Options.Node.Group);
            Assert.Equal(origin, configuration.Entries.Single(entry => entry.Key == "warp.node.group").Origin.ToString());
        }
    }

    [Fact]
    public void Substitutions_see_what_is_in_force()
    {
        var file = _folder.Write("warp.conf", "warp.rpc.listen = ${warp.http.listen}\nwarp.node.zone = ${ZONE}\nwarp.http.listen = \"h:1\"");
        var options = NodeConfiguration.Load(new ConfigurationSources
        {
            Files = [file],
            Environment = new Dictionary<string, string> { ["ZONE"] = "z" },
            Settings = ["warp.http.listen=h:0"],
        }).Options;
        Assert.Equal("h:0", options.Rpc.Listen.ToString());
        Assert.Equal("z", options.Node.Zone);
    }

    [Fact]
    public void Topic_defaults_keep_kafkas_names()
    {
        var file = _folder.Write(
            "warp.conf",
            "warp.topic.defaults {\n  \"retention.ms\" = 1\n  max.message.bytes = 2\n  cleanup.policy = [compact, delete]\n  segment.ms = 3\n}\n"
                + "warp.topic.defaults.retention.ms = 4\nwarp.topic.defaults.segment.ms = null");
        var options = NodeConfiguration.Load(new ConfigurationSources
        {
            Files = [file],
            Environment = new Dictionary<string, string> { ["WARP_TOPIC_DEFAULTS_MAX_MESSAGE_BYTES"] = "5" },
            Settings = ["warp.topic.defaults.compression.type=zstd"],
        }).Options;
        Assert.Equal(
            [("cleanup.policy", "compact,delete"), ("compression.type", "zstd"), ("max.message.bytes", "5"), ("retention.ms", "4")],
            options.Topic.Defaults.Select(pair => (pair.Key, pair.Value)).Order());
    }

    [Theory]
    [InlineData("warp.flush.intervall = 1s", "unknown key warp.flush.intervall (did you mean warp.flush.interval?)")]
    [InlineData("warp.kafka.lisetn = x", "unknown key warp.kafka.lisetn (did you mean warp.kafka.listen?)")]
    [InlineData("warp.flush.interval.ms = 5", "unknown key warp.flush.interval.ms (did you mean warp.flush.interval?)")]
    [InlineData("warp.completely.different.thing = 5", "unknown key warp.completely.different.thing (warp config --reference lists all keys)")]
    [InlineData("warp.mirror {}", "unknown key warp.mirror (warp config --reference lists all keys)")]
    [InlineData("warp.flush = 5", "warp.flush is a section, not a value; in it are interval, size, puts-per-second, puts-per-second-max, quiet, puts-in-flight")]
    [InlineData("warp.topic.defaults = 5", "warp.topic.defaults is a section, not a value; set keys below it")]
    [InlineData(
        "warp = 5",
        "warp is a section, not a value; "
            + "in it are kafka, http, rpc, cluster, journal, store, flush, cache, topic, node, timing, limits, retention, gc, compaction, "
            + "log-compaction")]
    public void An_unknown_key_in_a_file_is_told_with_its_place(string line, string sentence)
    {
        var file = _folder.Write("warp.conf", $"\n{line}");
        var e = Assert.Throws<ConfigurationException>(() => NodeConfiguration.Load(new ConfigurationSources { Files = [file] }));
        Assert.Equal($"{file}:2: {sentence}", Assert.Single(e.Problems).Line);
    }

    [Fact]
    public void Keys_of_other_programs_in_a_file_are_ignored()
    {
        var file = _folder.Write("shared.conf", "akka.loglevel = DEBUG\nwarp.node.group = ${akka.loglevel}");
        Assert.Equal("DEBUG", NodeConfiguration.Load(new ConfigurationSources { Files = [file] }).Options.Node.Group);
    }

    [Theory]
    [InlineData("kafka.listen=h:1", "--set: unknown key kafka.listen (did you mean warp.kafka.listen?)")]
    [InlineData("akka.loglevel=DEBUG", "--set: unknown key akka.loglevel (warp config --reference lists all keys)")]
    [InlineData("warp.flush=1", "--set: warp.flush is a section, not a value; in it are interval, size, puts-per-second, puts-per-second-max, quiet, puts-in-flight")]
    [InlineData("warp.topic.defaults=1", "--set: warp.topic.defaults is a section, not a value; set keys below it")]
    [InlineData("warp.node.id", "--set: \"warp.node.id\" is not key=value")]
    [InlineData("=1", "--set: \"=1\" is not key=value")]
    public void A_bad_setting_is_told(string setting, string line)
    {
        var e = Assert.Throws<ConfigurationException>(() => NodeConfiguration.Load(new ConfigurationSources { Settings = [setting] }));
        Assert.Equal(line, Assert.Single(e.Problems).Line);
    }

    [Theory]
    [InlineData("WARP_FLUSH_INTERVALL", "WARP_FLUSH_INTERVALL: unknown variable (did you mean WARP_FLUSH_INTERVAL?)")]
    [InlineData("WARP_SOMETHING", "WARP_SOMETHING: unknown variable (warp config --reference lists all keys)")]
    [InlineData("WARP_TOPIC_DEFAULTS", "WARP_TOPIC_DEFAULTS: unknown variable (warp config --reference lists all keys)")]
    [InlineData("WARP_PORT", "WARP_PORT: unknown variable (warp config --reference lists all keys)")]
    public void An_unknown_variable_is_told(string variable, string line)
    {
        var e = Assert.Throws<ConfigurationException>(() => WithEnvironment((variable, "1")));
        Assert.Equal(line, Assert.Single(e.Problems).Line);
    }

    [Theory]
    [InlineData("WARP_SERVICE_HOST")]
    [InlineData("WARP_SERVICE_PORT_KAFKA")]
    [InlineData("WARP_PORT")]
    [InlineData("WARP_KAFKA_PORT_9092_TCP_ADDR")]
    public void Variables_that_kubernetes_makes_for_a_service_are_ignored(string variable) =>
        WithEnvironment(("KUBERNETES_SERVICE_HOST", "10.0.0.1"), (variable, "10.0.0.2"));

    [Fact]
    public void All_problems_are_told_together()
    {
        var broken = _folder.Write("broken.conf", "warp {");
        var absent = Path.Combine(Path.GetDirectoryName(broken)!, "absent.conf");
        var bad = _folder.Write("bad.conf", "warp.flush { interval = soon, sise = 1 }\nwarp.timing.plan-life = 1min");
        var e = Assert.Throws<ConfigurationException>(() => NodeConfiguration.Load(new ConfigurationSources
        {
            Files = [broken, absent, bad],
            Environment = new Dictionary<string, string> { ["WARP_X"] = "" },
            Settings = ["warp.node.id=x"],
        }));
        Assert.Equal(
            [
                $"{broken}:1:7: expected a key or the }} of the {{ in line 1, found the end of the file",
                $"cannot read {absent}: there is no such file",
                "WARP_X: unknown variable (warp config --reference lists all keys)",
                $"{bad}:1: unknown key warp.flush.sise (did you mean warp.flush.size?)",
                $"{bad}:1: warp.flush.interval is \"soon\"; allowed is a duration from 0ms to 1min, such as 250ms, 10s or 2 minutes",
                "--set: warp.node.id is \"x\"; allowed is a whole number from 0 to 2147483647",
                $"{bad}:2: warp.timing.commit-deadline must be shorter than warp.timing.plan-life; "
                    + $"warp.timing.commit-deadline is \"2min\" ({ReferenceLine.Of("warp.timing.commit-deadline")}), warp.timing.plan-life is \"1min\" ({bad}:2)",
            ],
            e.Problems.Select(problem => problem.Line));
    }

    private static NodeConfiguration WithEnvironment(params (string Name, string Value)[] variables) =>
        NodeConfiguration.Load(new ConfigurationSources { Environment = variables.ToDictionary(v => v.Name, v => v.Value) });
}

using System.Text.RegularExpressions;
using Warp.Actors.Cluster;
using Warp.Actors.Persistence.Sql;
using Warp.Node.Configuration;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Resilience;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Node.Configuration;

public sealed partial class NodeOptionsSpec
{
    private const long GiB = 1L << 30;

    [Fact]
    public void Defaults_are_those_that_scripts_rely_on()
    {
        var options = Load();
        Assert.Equal(new KafkaOptions(new HostPort("0.0.0.0", 9092), null), options.Kafka);
        Assert.Equal(new HostPort("127.0.0.1", 9644), options.Http.Listen);
        Assert.Equal(new HostPort("127.0.0.1", 9094), options.Rpc.Listen);
        Assert.Equal(new BackendUrl("sqlite", "./warp-data/journal.db"), options.Journal.Url);
        Assert.Equal(new StoreOptions(new StoreUrl.Folder("./warp-data/objects"), null, new ResilienceSettings()), options.Store);
        Assert.Equal(new FlushSettings(TimeSpan.FromMilliseconds(250), 8 << 20, 4, 4) { PutsPerSecondMax = 32, Quiet = TimeSpan.FromMilliseconds(5) }, options.Flush);
        Assert.Equal(2 * GiB, options.Cache.SizeBytes);
        Assert.Empty(options.Topic.Defaults);
        Assert.True(options.Topic.AutoCreate);
        Assert.Equal(1, options.Topic.Partitions);
        Assert.Equal(new NodeIdentityOptions(null, null, NodeRoles.All, "default"), options.Node);
        Assert.Equal(new RetentionOptions(TimeSpan.FromMinutes(5)), options.Retention);
        Assert.Equal(new GcOptions(Enabled: true, TimeSpan.FromMinutes(1), DeletesPerSecond: 500), options.Gc);
        Assert.Equal(new LimitsOptions(100 << 20, 64, TimeSpan.FromMinutes(10), GiB, GiB), options.Limits);
    }

    [Fact]
    public void The_url_of_a_database_is_kept_whole_and_printed_without_its_password()
    {
        BackendUrl url = Load("warp.journal.url=postgresql://warp:secret@db:5432/warp?sslmode=require").Journal.Url;

        Assert.Equal(new BackendUrl("postgres", "//warp:secret@db:5432/warp?sslmode=require"), url);
        Assert.Equal("postgres://warp:***@db:5432/warp?sslmode=require", url.ToString());
    }

    [Fact]
    public void A_wrong_url_of_a_database_is_told_without_its_password()
    {
        var e = Assert.Throws<ConfigurationException>(() => Load("warp.journal.url=postgres://warp:secret@db/"));

        Assert.DoesNotContain("secret", Assert.Single(e.Problems).Line);
    }

    [Fact]
    public void Time_constants_have_the_defaults_of_the_design()
    {
        var timing = Load().Timing;
        var expected = new TimeConstants
        {
            Lease = TimeSpan.FromSeconds(10),
            LeaseRenewal = TimeSpan.FromSeconds(2),
            LeaseMargin = TimeSpan.FromSeconds(3),
            CommitDeadline = TimeSpan.FromMinutes(2),
            AnswerMemory = TimeSpan.FromMinutes(1),
            PlanLife = TimeSpan.FromMinutes(5),
            CollectionGrace = TimeSpan.FromMinutes(15),
            PendingLife = TimeSpan.FromMinutes(10),
            HeldBatch = TimeSpan.FromSeconds(1),
            Drain = TimeSpan.FromSeconds(10),
        };
        Assert.Equal(expected, timing);
        Assert.Equal(new TimeConstants(), timing);
        Assert.Equal(expected.ScaledBy(0.01), Load("warp.timing.scale=0.01").Timing);
        Assert.Equal(TimeSpan.FromMilliseconds(100), Load("warp.timing.scale=0.01").Timing.Lease);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("40", 40)]
    [InlineData("1.5s", 1500)]
    [InlineData("10 s", 10_000)]
    [InlineData("2 seconds", 2000)]
    [InlineData("1 minute", 60_000)]
    [InlineData("1min", 60_000)]
    [InlineData("1m", 60_000)]
    [InlineData("3millis", 3)]
    [InlineData("2000us", 2)]
    [InlineData("5000000 nanoseconds", 5)]
    public void Durations_have_units(string text, double milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Load($"warp.flush.interval={text}").Flush.Interval);

    [Theory]
    [InlineData("65536", 65536)]
    [InlineData("64k", 65536)]
    [InlineData("64 KiB", 65536)]
    [InlineData("64K", 65536)]
    [InlineData("70kB", 70_000)]
    [InlineData("2 MB", 2_000_000)]
    [InlineData("1.5MiB", 1_572_864)]
    [InlineData("1 mebibyte", 1_048_576)]
    [InlineData("100000 bytes", 100_000)]
    public void Sizes_have_units(string text, int bytes) => Assert.Equal(bytes, Load($"warp.flush.size={text}").Flush.SizeBytes);

    [Theory]
    [InlineData("auto", 2 * GiB)]
    [InlineData("25%", 2 * GiB)]
    [InlineData("12.5 %", GiB)]
    [InlineData("1g", GiB)]
    public void Memory_is_a_size_or_a_share(string text, long bytes) => Assert.Equal(bytes, Load($"warp.cache.size={text}").Cache.SizeBytes);

    [Theory]
    [InlineData(64, 64, 64)]
    [InlineData(512, 128, 64)]
    [InlineData(4096, 1024, 512)]
    [InlineData(16384, 1024, 1024)]
    public void What_producers_and_consumers_may_take_is_a_share_of_the_memory_within_bounds(long memoryMiB, long bufferMiB, long fetchMiB)
    {
        LimitsOptions limits = NodeConfiguration.Load(new ConfigurationSources { MemoryLimit = memoryMiB << 20 }).Options.Limits;
        Assert.Equal((bufferMiB << 20, fetchMiB << 20), (limits.BufferMemoryBytes, limits.FetchMemoryBytes));
    }

    [Theory]
    [InlineData("127.0.0.1:0", "127.0.0.1", 0)]
    [InlineData("[::1]:9092", "::1", 9092)]
    [InlineData("broker-1.example:65535", "broker-1.example", 65535)]
    [InlineData("localhost:1", "localhost", 1)]
    public void Addresses_are_host_and_port(string text, string host, int port)
    {
        var listen = Load($"warp.kafka.listen={text}").Kafka.Listen;
        Assert.Equal(new HostPort(host, port), listen);
        Assert.Equal(text, listen.ToString());
    }

    [Theory]
    [InlineData("127.0.0.1:0", "", "127.0.0.1:5000")]
    [InlineData("0.0.0.0:9092", "", "localhost:9092")]
    [InlineData("[::]:0", "", "localhost:5000")]
    [InlineData("0.0.0.0:9092", "broker.example:19092", "broker.example:19092")]
    [InlineData("0.0.0.0:0", "broker.example:0", "broker.example:5000")]
    public void Clients_are_told_an_address_that_they_can_reach(string listen, string advertised, string told)
    {
        var kafka = Load($"warp.kafka.listen={listen}", $"warp.kafka.advertised={advertised}").Kafka;
        var boundPort = kafka.Listen.Port == 0 ? 5000 : kafka.Listen.Port;
        Assert.Equal(told, kafka.AdvertisedAt(boundPort).ToString());
    }

    [Theory]
    [InlineData("file:data", "file:data")]
    [InlineData("file:///data", "file:/data")]
    [InlineData("mem:", "mem:")]
    [InlineData("s3://bucket/some/prefix/?region=eu-west-1", "s3://bucket/some/prefix")]
    [InlineData("azblob://container?account=me", "azblob://container?account=me")]
    [InlineData("quorum:mem:|mem:|file:x", "quorum:mem:|mem:|file:x")]
    public void Stores_are_urls(string text, string read)
    {
        Assert.Equal(read, Load($"warp.store.url={text}").Store.Url.ToString());
        Assert.Equal(read, Load($"warp.store.compacted-url={text}").Store.CompactedUrl!.ToString());
    }

    [Fact]
    public void How_a_store_is_asked_can_be_set() => Assert.Equal(
        new ResilienceSettings { AttemptTimeout = TimeSpan.FromSeconds(1), Retries = 0, Hedging = false, HedgeBudget = 0.1 },
        Load("warp.store.attempt-timeout=1s", "warp.store.retries=0", "warp.store.hedging=off", "warp.store.hedge-budget=0.1").Store.Resilience);

    [Fact]
    public void A_store_url_that_is_wrong_says_what_is_wrong()
    {
        var e = Assert.Throws<ConfigurationException>(() => Load("warp.store.url=s3://bucket?regoin=x"));
        Assert.Contains("'regoin' is not known", Assert.Single(e.Problems).Line);
    }

    [Fact]
    public void Optional_keys_may_be_set_and_emptied()
    {
        var node = Load("warp.node.id=7", "warp.node.zone=zone-a", "warp.node.roles=fetch, jobs", "warp.node.group=g").Node;
        Assert.Equal(new NodeIdentityOptions(7, "zone-a", NodeRoles.Fetch | NodeRoles.Jobs, "g"), node);
        Assert.Null(Load("warp.node.id=7", "warp.node.id=").Node.Id);
    }

    private const string JournalForms = "sqlite:PATH or " + PostgresSettings.Form;

    [Theory]
    [InlineData("warp.flush.interval=250 parsecs", "a duration from 0ms to 1min, such as 250ms, 10s or 2 minutes")]
    [InlineData("warp.flush.interval=2min", "a duration from 0ms to 1min, such as 250ms, 10s or 2 minutes")]
    [InlineData("warp.flush.interval=-1s", "a duration from 0ms to 1min, such as 250ms, 10s or 2 minutes")]
    [InlineData("warp.flush.interval=", "a duration from 0ms to 1min, such as 250ms, 10s or 2 minutes")]
    [InlineData("warp.limits.connections-idle=1e3s", "a duration from 1s to 7d, such as 250ms, 10s or 2 minutes")]
    [InlineData("warp.flush.size=8 miles", "a size from 64KiB to 512MiB, such as 64KiB or 8MiB")]
    [InlineData("warp.flush.size=10", "a size from 64KiB to 512MiB, such as 64KiB or 8MiB")]
    [InlineData("warp.flush.size=99999999999999999999", "a size from 64KiB to 512MiB, such as 64KiB or 8MiB")]
    [InlineData("warp.cache.size=101%", "auto, a share of the memory such as 25%, or a size from 4MiB to the memory limit (8192MiB)")]
    [InlineData("warp.cache.size=9GiB", "auto, a share of the memory such as 25%, or a size from 4MiB to the memory limit (8192MiB)")]
    [InlineData("warp.flush.puts-per-second=4.5", "a whole number from 0 to 10000")]
    [InlineData("warp.topic.partitions=0", "a whole number from 1 to 10000")]
    [InlineData("warp.node.id=-1", "a whole number from 0 to 2147483647")]
    [InlineData("warp.timing.scale=0", "a number from 0.001 to 10")]
    [InlineData("warp.timing.scale=NaN", "a number from 0.001 to 10")]
    [InlineData("warp.gc.enabled=sometimes", "true or false")]
    [InlineData("warp.gc.interval=0", "a duration from 1ms to 1d, such as 250ms, 10s or 2 minutes")]
    [InlineData("warp.gc.deletes-per-second=0", "a whole number from 1 to 100000")]
    [InlineData("warp.retention.check-interval=2d", "a duration from 1ms to 1d, such as 250ms, 10s or 2 minutes")]
    [InlineData("warp.topic.auto-create=maybe", "true or false")]
    [InlineData("warp.http.listen=9644", "host:port with a port from 0 to 65535, such as 0.0.0.0:9092, [::1]:9092 or broker.example:9092")]
    [InlineData("warp.http.listen=host:65536", "host:port with a port from 0 to 65535, such as 0.0.0.0:9092, [::1]:9092 or broker.example:9092")]
    [InlineData("warp.http.listen=::1:80", "host:port with a port from 0 to 65535, such as 0.0.0.0:9092, [::1]:9092 or broker.example:9092")]
    [InlineData("warp.http.listen=300.0.0.1:80", "host:port with a port from 0 to 65535, such as 0.0.0.0:9092, [::1]:9092 or broker.example:9092")]
    [InlineData("warp.http.listen=[1.2.3.4]:80", "host:port with a port from 0 to 65535, such as 0.0.0.0:9092, [::1]:9092 or broker.example:9092")]
    [InlineData("warp.http.listen=a b:80", "host:port with a port from 0 to 65535, such as 0.0.0.0:9092, [::1]:9092 or broker.example:9092")]
    [InlineData("warp.journal.url=mysql:x", JournalForms)]
    [InlineData("warp.journal.url=sqlite:", JournalForms)]
    [InlineData("warp.journal.url=postgres:x", JournalForms + " (it must be " + PostgresSettings.Form + ")")]
    [InlineData("warp.journal.url=postgres://db/warp", JournalForms + " (it names no user)")]
    [InlineData("warp.journal.url=postgres://warp@db", JournalForms + " (it names no database)")]
    [InlineData("warp.journal.url=postgres://warp@db:0/warp", JournalForms + " (its port '0' is none)")]
    [InlineData("warp.store.url=data", StoreUrl.Forms)]
    [InlineData("warp.store.url=mem:x", StoreUrl.Forms)]
    [InlineData("warp.store.url=file://host/x", StoreUrl.Forms + " (The path of file: is PATH or ///PATH.)")]
    [InlineData("warp.store.url=s3:bucket", StoreUrl.Forms + " (The scheme of the URL must be followed by two slashes and a name.)")]
    [InlineData("warp.node.roles=fetch,none", "a list of produce, fetch, control, jobs")]
    [InlineData("warp.node.roles=", "a list of produce, fetch, control, jobs")]
    [InlineData("warp.node.zone=a b", "a name of 1 to 100 letters, digits, dots, dashes and underscores")]
    [InlineData("warp.node.group=", "a name of 1 to 100 letters, digits, dots, dashes and underscores")]
    public void A_bad_value_is_told_with_what_is_allowed(string setting, string allowed)
    {
        var (key, value) = (setting[..setting.IndexOf('=')], setting[(setting.IndexOf('=') + 1)..]);
        var e = Assert.Throws<ConfigurationException>(() => Load(setting));
        Assert.Equal([$"--set: {key} is \"{value}\"; allowed is {allowed}"], e.Problems.Select(problem => problem.Line));
    }

    [Theory]
    [InlineData(
        "warp.timing.lease-renewal=3500ms",
        "two renewals must fit into what the margin leaves of the lease (2 × lease-renewal < lease - lease-margin); "
            + "warp.timing.lease-renewal is \"3500ms\" (--set), warp.timing.lease is \"10s\" (reference.conf), "
            + "warp.timing.lease-margin is \"3s\" (reference.conf)")]
    [InlineData(
        "warp.timing.commit-deadline=5min",
        "warp.timing.commit-deadline must be shorter than warp.timing.plan-life; "
            + "warp.timing.commit-deadline is \"5min\" (--set), warp.timing.plan-life is \"5min\" (reference.conf)")]
    [InlineData(
        "warp.timing.collection-grace=4min",
        "warp.timing.plan-life must be shorter than warp.timing.collection-grace; "
            + "warp.timing.plan-life is \"5min\" (reference.conf), warp.timing.collection-grace is \"4min\" (--set)")]
    [InlineData(
        "warp.timing.held-batch=2min",
        "warp.timing.held-batch must be shorter than warp.timing.commit-deadline; "
            + "warp.timing.held-batch is \"2min\" (--set), warp.timing.commit-deadline is \"2min\" (reference.conf)")]
    [InlineData(
        "warp.limits.buffer-memory=4MiB",
        "warp.flush.size must fit into warp.limits.buffer-memory; "
            + "warp.flush.size is \"8MiB\" (reference.conf), warp.limits.buffer-memory is \"4MiB\" (--set)")]
    [InlineData(
        "warp.compaction.l2-size=200MiB",
        "warp.compaction.l2-size must be at least twice warp.compaction.l1-size; "
            + "warp.compaction.l1-size is \"128MiB\" (reference.conf), warp.compaction.l2-size is \"200MiB\" (--set)")]
    [InlineData(
        "warp.kafka.advertised=0.0.0.0:9092",
        "warp.kafka.advertised must be a host that clients can reach, not a wildcard; warp.kafka.advertised is \"0.0.0.0:9092\" (--set)")]
    [InlineData(
        "warp.rpc.advertised=[::]:9094",
        "warp.rpc.advertised must be a host that the other nodes can reach, not a wildcard; warp.rpc.advertised is \"[::]:9094\" (--set)")]
    [InlineData(
        "warp.http.listen=127.0.0.1:9092",
        "warp.kafka.listen and warp.http.listen must not share a port; "
            + "warp.kafka.listen is \"0.0.0.0:9092\" (reference.conf), warp.http.listen is \"127.0.0.1:9092\" (--set)")]
    [InlineData(
        "warp.rpc.listen=[::1]:9092",
        "warp.kafka.listen and warp.rpc.listen must not share a port; "
            + "warp.kafka.listen is \"0.0.0.0:9092\" (reference.conf), warp.rpc.listen is \"[::1]:9092\" (--set)")]
    [InlineData(
        "warp.rpc.listen=127.0.0.1:9644",
        "warp.http.listen and warp.rpc.listen must not share a port; "
            + "warp.http.listen is \"127.0.0.1:9644\" (reference.conf), warp.rpc.listen is \"127.0.0.1:9644\" (--set)")]
    public void Values_that_do_not_go_together_are_told(string setting, string sentence)
    {
        var e = Assert.Throws<ConfigurationException>(() => Load(setting));
        Assert.Equal([$"--set: {sentence}"], e.Problems.Select(problem => ReferenceLine().Replace(problem.Line, "reference.conf")));
    }

    [Fact]
    public void A_secret_is_read_and_shown_nowhere()
    {
        const string Secret = "correct horse battery staple";
        NodeConfiguration configuration = NodeConfiguration.Load(new ConfigurationSources { Settings = [$"warp.cluster.secret={Secret}"] });
        Assert.Equal(Secret, configuration.Options.Cluster.Secret);
        Assert.DoesNotContain(Secret, configuration.Options.ToString(), StringComparison.Ordinal);
        Assert.Null(Load().Cluster.Secret);
        var e = Assert.Throws<ConfigurationException>(() => Load("warp.cluster.secret=short"));
        Assert.DoesNotContain("short", e.Message, StringComparison.Ordinal);
        Assert.Contains("at least 16 characters", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_nodes_are_told_an_address_that_they_can_reach()
    {
        Assert.Equal("127.0.0.1:5000", Load("warp.rpc.listen=127.0.0.1:0").Rpc.AdvertisedAt(5000).ToString());
        Assert.Equal("node-1:9094", Load("warp.rpc.listen=0.0.0.0:9094", "warp.rpc.advertised=node-1:9094").Rpc.AdvertisedAt(9094).ToString());
    }

    [Fact]
    public void Tls_between_nodes_needs_all_of_its_files()
    {
        string file = typeof(NodeOptionsSpec).Assembly.Location;
        Assert.Null(Load().Rpc.Tls);
        var e = Assert.Throws<ConfigurationException>(() => Load($"warp.rpc.tls.key={file}"));
        Assert.Contains("needs all of warp.rpc.tls.certificate, .key and .ca", Assert.Single(e.Problems).Line, StringComparison.Ordinal);
        RpcTlsOptions tls = Load($"warp.rpc.tls.key={file}", $"warp.rpc.tls.certificate={file}", $"warp.rpc.tls.ca={file}").Rpc.Tls!;
        e = Assert.Throws<ConfigurationException>(tls.Load);
        Assert.StartsWith("warp.rpc.tls: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Listeners_on_any_free_port_do_not_collide() =>
        Load("warp.kafka.listen=127.0.0.1:0", "warp.http.listen=127.0.0.1:0", "warp.rpc.listen=127.0.0.1:0");

    [Fact]
    public void A_rule_is_not_asked_about_a_value_that_cannot_be_read()
    {
        var e = Assert.Throws<ConfigurationException>(() => Load("warp.timing.plan-life=soon"));
        Assert.Single(e.Problems);
    }

    private static NodeOptions Load(params string[] settings) =>
        NodeConfiguration.Load(new ConfigurationSources { Settings = settings, MemoryLimit = 8 * GiB }).Options;

    /// <summary>Where a default stands changes with every setting that is added above it.</summary>
    [GeneratedRegex(@"reference\.conf:\d+")]
    private static partial Regex ReferenceLine();
}

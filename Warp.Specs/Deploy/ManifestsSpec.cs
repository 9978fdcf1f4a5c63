using Warp.Node.Configuration;
using Warp.Specs.Hosting;
using Warp.Specs.Node.Configuration;
using Xunit;

namespace Warp.Specs.Deploy;

/// <summary>The Kubernetes manifests and the compose file fit together, and set what Warp knows.</summary>
public sealed class ManifestsSpec
{
    private const string Name = "app.kubernetes.io/name";

    private static readonly string s_folder = Path.Combine(Repository.Root, "deploy", "kubernetes");

    private static readonly List<Yaml> s_objects =
        [.. Directory.GetFiles(s_folder, "*.yaml").Where(static file => !file.EndsWith("kustomization.yaml", StringComparison.Ordinal)).SelectMany(Yaml.Load)];

    private static Yaml Pod => One("Deployment")["spec"]["template"]["spec"];

    private static Yaml Container => Assert.Single(Pod["containers"].Items);

    [Fact]
    public void Every_manifest_is_an_object_with_a_name()
    {
        Assert.All(s_objects, static one =>
        {
            Assert.NotNull(one["apiVersion"].Text);
            Assert.NotNull(one["kind"].Text);
            Assert.Equal("warp", one["metadata"]["labels"][Name].Text);
        });
        Assert.Equal(s_objects.Count, s_objects.Select(static one => (one["kind"].Text, one["metadata"]["name"].Text)).Distinct().Count());
        string[] listed = [.. Yaml.Load(Path.Combine(s_folder, "kustomization.yaml"))[0]["resources"].Items.Select(static item => item.Text!)];
        string[] files = [.. Directory.GetFiles(s_folder, "*.yaml").Select(static file => Path.GetFileName(file)).Except(["kustomization.yaml"])];
        Assert.Equal(files.Select(static file => file.Replace(".example", "")).Order(), listed.Order());
    }

    [Fact]
    public void What_selects_pods_selects_those_of_the_deployment()
    {
        Assert.Equal("warp", One("Deployment")["spec"]["template"]["metadata"]["labels"][Name].Text);
        Yaml[] selectors =
        [
            One("Deployment")["spec"]["selector"]["matchLabels"],
            One("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
            One("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
            .. s_objects.Where(static one => one["kind"].Text == "Service").Select(static one => one["spec"]["selector"]),
        ];
        Assert.Equal(5, selectors.Length);
        Assert.All(selectors, static selector => Assert.Equal("warp", selector[Name].Text));
        Yaml scaled = One("HorizontalPodAutoscaler")["spec"];
        Assert.Equal(("Deployment", "warp"), (scaled["scaleTargetRef"]["kind"].Text, scaled["scaleTargetRef"]["name"].Text));
        Assert.True(scaled["minReplicas"].Number > One("PodDisruptionBudget")["spec"]["maxUnavailable"].Number + 1);
        string[] ports = [.. Container["ports"].Items.Select(static port => port["name"].Text!)];
        Assert.All(
            s_objects.Where(static one => one["kind"].Text == "Service").SelectMany(static one => one["spec"]["ports"].Items),
            port => Assert.Contains(port["targetPort"].Text, ports));
    }

    [Fact]
    public void Pods_are_probed_drained_and_without_rights()
    {
        Assert.Equal("/healthz", Container["livenessProbe"]["httpGet"]["path"].Text);
        foreach (string probe in (string[])["startupProbe", "readinessProbe"])
            Assert.Equal("/readyz", Container[probe]["httpGet"]["path"].Text);
        Assert.Equal(
            ["/app/warp", "ctl", "cluster", "drain", "self"],
            Container["lifecycle"]["preStop"]["exec"]["command"].Items.Select(static word => word.Text!));
        // A minute is the longest that the drain of a command takes; SIGTERM's comes after it.
        Assert.True(Pod["terminationGracePeriodSeconds"].Number > 60 + Configuration().Options.Timing.Drain.TotalSeconds);
        Assert.Equal("true", Pod["securityContext"]["runAsNonRoot"].Text);
        Assert.Equal("false", Container["securityContext"]["allowPrivilegeEscalation"].Text);
        Assert.Equal("true", Container["securityContext"]["readOnlyRootFilesystem"].Text);
        Assert.Equal("false", Pod["enableServiceLinks"].Text);
        Assert.Equal("warp", Assert.Single(Container["envFrom"].Items)["secretRef"]["name"].Text);
    }

    [Fact]
    public void The_settings_of_pods_are_those_of_a_cluster()
    {
        NodeOptions options = Configuration().Options;
        Assert.Equal(BackendUrl.PostgresScheme, options.Journal.Url.Scheme);
        Assert.Equal(("10.0.0.7:9092", "10.0.0.7:9094"), ($"{options.Kafka.Advertised}", $"{options.Rpc.Advertised}"));
        Assert.True(options.Http.Listen.IsWildcard);
        Assert.NotNull(options.Cluster.Secret);
    }

    [Fact]
    public void The_compose_file_has_a_database_a_store_and_three_nodes_that_differ()
    {
        Yaml services = Assert.Single(Yaml.Load(Path.Combine(Repository.Root, "deploy", "compose.yaml")))["services"];
        string[] names = [.. services.Entries.Select(static entry => entry.Key)];
        Assert.Equal(["postgres", "s3", "warp1", "warp2", "warp3"], names.Order());
        var nodes = new List<NodeOptions>();
        foreach ((string name, Yaml service) in services.Entries)
        {
            Assert.All(service["depends_on"].Entries, needed =>
            {
                Assert.Contains(needed.Key, names);
                Assert.NotNull(services[needed.Key]["healthcheck"].Value);
            });
            Assert.NotNull(service["image"].Text);
            if (!name.StartsWith("warp", StringComparison.Ordinal))
                continue;
            NodeOptions options = NodeConfiguration.Load(new ConfigurationSources
            {
                Environment = service["environment"].Entries.ToDictionary(static entry => entry.Key, static entry => entry.Value.Text!),
            }).Options;
            Assert.Equal(($"{name}:9094", "warp"), ($"{options.Rpc.Advertised}", service["image"].Text));
            // Clients outside of the containers reach each node by a port of its own.
            Assert.Contains($"127.0.0.1:{options.Kafka.Advertised!.Port}:9092", service["ports"].Items.Select(static port => port.Text));
            nodes.Add(options);
        }
        Assert.Equal(3, nodes.Select(static node => node.Node.Id).Distinct().Count());
        Assert.Equal(3, nodes.Select(static node => node.Kafka.Advertised).Distinct().Count());
        Assert.Single(nodes.Select(static node => (node.Journal, $"{node.Store.Url}", node.Cluster.Secret)).Distinct());
    }

    private static Yaml One(string kind) => Assert.Single(s_objects, one => one["kind"].Text == kind);

    /// <summary>What a pod is started with.</summary>
    private static NodeConfiguration Configuration()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("warp.conf", One("ConfigMap")["data"]["warp.conf"].Text!);
        Assert.Equal(["node", "-c", "/etc/warp/warp.conf"], Container["args"].Items.Select(static word => word.Text!));
        Dictionary<string, string> environment = Container["env"].Items
            .Where(static variable => variable["value"].Text is not null)
            .ToDictionary(static variable => variable["name"].Text!, static variable => variable["value"].Text!.Replace("$(POD_IP)", "10.0.0.7"));
        foreach ((string key, Yaml value) in One("Secret")["stringData"].Entries)
            environment.Add(key, value.Text!);
        return NodeConfiguration.Load(new ConfigurationSources { Files = [file], Environment = environment });
    }
}

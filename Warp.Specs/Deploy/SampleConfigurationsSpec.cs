using Warp.Node.Configuration;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Deploy;

/// <summary>The sample files in <c>deploy/conf</c> are configurations without a problem.</summary>
public sealed class SampleConfigurationsSpec
{
    private static string Folder => Path.Combine(Repository.Root, "deploy", "conf");

    [Fact]
    public void Each_can_be_loaded()
    {
        string[] files = Directory.GetFiles(Folder, "*.conf");
        Assert.InRange(files.Length, 5, 100);
        foreach (string file in files)
            Load(Path.GetFileName(file));
    }

    [Fact]
    public void Agent_groups_are_nodes_of_the_same_cluster_that_do_something_else()
    {
        NodeOptions whole = Load("cluster.conf");
        Assert.Equal((NodeRoles.All, "default"), (whole.Node.Roles, whole.Node.Group));
        Assert.Equal(BackendUrl.PostgresScheme, whole.Journal.Url.Scheme);
        foreach ((string file, string group, NodeRoles roles) in (ReadOnlySpan<(string, string, NodeRoles)>)
            [
                ("agents-ingest.conf", "ingest", NodeRoles.Produce),
                ("agents-analytics.conf", "analytics", NodeRoles.Fetch),
                ("control.conf", "control", NodeRoles.Control | NodeRoles.Jobs),
            ])
        {
            NodeOptions agents = Load("cluster.conf", file);
            Assert.Equal((group, roles), (agents.Node.Group, agents.Node.Roles));
            Assert.Equal((whole.Journal, whole.Store.Url), (agents.Journal, agents.Store.Url));
        }
    }

    private static NodeOptions Load(params string[] names) => NodeConfiguration.Load(new ConfigurationSources
    {
        Files = [.. names.Select(static name => Path.Combine(Folder, name))],
        Environment = new Dictionary<string, string> { ["WARP_CLUSTER_SECRET"] = "as long as it has to be" },
    }).Options;
}

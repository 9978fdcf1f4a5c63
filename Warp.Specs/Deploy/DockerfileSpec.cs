using System.Xml.Linq;
using Warp.Node.Cli.Ctl;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Deploy;

/// <summary>The image has what it is built of, and keeps to what it promises.</summary>
public sealed class DockerfileSpec
{
    private static readonly string[] s_lines =
    [
        .. File.ReadAllText(Path.Combine(Repository.Root, "deploy", "Dockerfile")).Replace("\\\n", " ").Split('\n')
            .Where(static line => line.Length > 0 && line[0] != '#'),
    ];

    private static IEnumerable<string> Sources => s_lines
        .Where(static line => line.StartsWith("COPY ", StringComparison.Ordinal) && !line.Contains("--from", StringComparison.Ordinal))
        .SelectMany(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..^1]);

    [Fact]
    public void What_is_copied_is_there_and_not_ignored()
    {
        string[] allowed =
        [
            .. File.ReadLines(Path.Combine(Repository.Root, "deploy", "Dockerfile.dockerignore"))
                .Where(static line => line.StartsWith('!')).Select(static line => line[1..]),
        ];
        Assert.All(Sources, source =>
        {
            Assert.True(Path.Exists(Path.Combine(Repository.Root, source)), source);
            Assert.Contains(allowed, entry => source == entry || source.StartsWith($"{entry}/", StringComparison.Ordinal));
        });
    }

    [Fact]
    public void Every_project_of_a_node_is_copied_twice_for_the_packages_and_whole()
    {
        var projects = new HashSet<string>();
        Visit(Path.Combine(Repository.Root, "Warp.Node", "Warp.Node.csproj"));
        string[] own = [.. projects.Where(static project => !project.StartsWith("eng", StringComparison.Ordinal))];
        Assert.Equal(6, own.Length);
        foreach (string project in own)
        {
            Assert.Contains(project, Sources);
            Assert.Contains($"{Path.GetDirectoryName(project)}/packages.lock.json", Sources);
            Assert.Contains($"{Path.GetDirectoryName(project)}/", Sources);
        }
        Assert.Contains("eng/feed-gaps/", Sources);

        void Visit(string path)
        {
            if (!projects.Add(Path.GetRelativePath(Repository.Root, path)))
                return;
            foreach (XElement reference in XDocument.Load(path).Descendants("ProjectReference"))
                Visit(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, (string)reference.Attribute("Include")!)));
        }
    }

    [Fact]
    public void It_runs_without_rights_or_a_shell_and_tells_its_health()
    {
        string user = Assert.Single(s_lines, static line => line.StartsWith("USER ", StringComparison.Ordinal));
        Assert.NotEqual("0", user.Split(' ', ':')[1]);
        string health = Assert.Single(s_lines, static line => line.StartsWith("HEALTHCHECK ", StringComparison.Ordinal));
        Assert.EndsWith("CMD [\"/app/warp\", \"ctl\", \"health\"]", health);
        Assert.Contains(CtlPalette.Verbs, static verb => verb.Words == "health");
        Assert.Contains("ENTRYPOINT [\"/app/warp\"]", s_lines);
        Assert.Contains("CMD [\"node\"]", s_lines);
        Assert.All(s_lines.Where(static line => line.StartsWith("FROM ", StringComparison.Ordinal)), static line => Assert.Contains(":10.0", line));
    }
}

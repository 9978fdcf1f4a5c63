using Xunit;

namespace Warp.Specs.Hosting;

/// <summary>
/// The node of an earlier version, built from this repository's history by <c>eng/test-deps/previous.sh</c>: what a cluster is upgraded from.
/// </summary>
public static class PreviousVersion
{
    /// <summary>The feature level that it knows.</summary>
    public const int FeatureLevel = 1;

    /// <summary>Its program. A test that asks for it where there is no history is skipped.</summary>
    public static string Program
    {
        get
        {
            string program = Path.Combine(Repository.Root, ".test-deps", "previous", "warp.dll");
            Assert.SkipUnless(File.Exists(program), "This copy of the sources has no history from which the previous version could be built.");
            return program;
        }
    }
}

namespace Warp.Specs.Hosting;

/// <summary>The working copy that these tests were built in.</summary>
public static class Repository
{
    /// <summary>Its top folder, the one of the solution.</summary>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Warp.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"no folder above {AppContext.BaseDirectory} has the solution");
    }
}

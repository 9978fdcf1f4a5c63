using System.Security.Cryptography;

namespace Warp.Specs.Scenarios;

/// <summary>The files of a folder and the hashes of what is in them.</summary>
public static class FolderPrint
{
    /// <summary>
    /// Every file by its path in the folder. The empty files that SQLite lays beside a database when it is only looked at do not count.
    /// </summary>
    public static SortedDictionary<string, string> Of(string folder)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var all = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 };
        foreach (string file in Directory.EnumerateFiles(folder, "*", all))
        {
            bool isSideFile = file.EndsWith("-wal", StringComparison.Ordinal) || file.EndsWith("-shm", StringComparison.Ordinal);
            if (!isSideFile || new FileInfo(file).Length > 0)
                files.Add(Path.GetRelativePath(folder, file), Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))));
        }
        return files;
    }

    /// <summary>Copies a folder with all that is in it; the destination must not exist.</summary>
    public static void Copy(string folder, string destination)
    {
        Directory.CreateDirectory(destination);
        foreach (string inner in Directory.EnumerateDirectories(folder))
            Copy(inner, Path.Combine(destination, Path.GetFileName(inner)));
        foreach (string file in Directory.EnumerateFiles(folder))
            File.Copy(file, Path.Combine(destination, Path.GetFileName(file)));
    }
}

using System.Diagnostics;
using Xunit;

namespace Warp.Specs.Hosting;

/// <summary>A file system of its own, in memory. Disposing takes it away.</summary>
public sealed class TinyDisk : IDisposable
{
    private readonly DirectoryInfo _mountPoint = Directory.CreateTempSubdirectory("warp-disk-");

    private TinyDisk()
    {
    }

    /// <summary>Where it is.</summary>
    public string Path => _mountPoint.FullName;

    private string Filler => System.IO.Path.Combine(Path, "filler");

    /// <summary>Mounts one of a few mebibytes, which can be filled up. The test is skipped where this user may not.</summary>
    public static TinyDisk Mount(int mebibytes) => Mount("tmpfs", $"size={mebibytes}m");

    /// <summary>Mounts one that refuses to write past the system's page cache (O_DIRECT), as some file systems do.</summary>
    public static TinyDisk MountWithoutDirectWrites() => Mount("ramfs", "mode=700");

    /// <summary>Leaves not a byte free.</summary>
    public void Fill()
    {
        using var filler = new FileStream(Filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var page = new byte[4096];
        try
        {
            while (true)
                filler.Write(page);
        }
        catch (IOException)
        {
            // That is what was wanted.
        }
    }

    /// <summary>Undoes <see cref="Fill"/>.</summary>
    public void Free() => File.Delete(Filler);

    public void Dispose()
    {
        if (!Run("umount", Path))
            throw new InvalidOperationException($"{Path} could not be unmounted");
        _mountPoint.Delete();
    }

    private static TinyDisk Mount(string type, string options)
    {
        var disk = new TinyDisk();
        if (Run("mount", "-t", type, "-o", options, type, disk.Path))
            return disk;
        disk._mountPoint.Delete();
        Assert.Skip("this user may not mount a file system");
        return disk;
    }

    private static bool Run(string command, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // there is no such command
        }
    }
}

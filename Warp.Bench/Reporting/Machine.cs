using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Warp.Bench.Reporting;

/// <summary>What was measured on: figures without it say nothing.</summary>
public sealed record Machine(
    string Processor, int Processors, double MemoryGigabytes, string System, string Runtime, string Disk, string Load, string Commit)
{
    /// <summary>Describes this machine.</summary>
    /// <param name="folder">Where the brokers' folders and the disk's yardstick are.</param>
    public static Machine Describe(string folder) => new(
        Field("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Environment.ProcessorCount,
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9,
        $"{RuntimeInformation.OSDescription}",
        RuntimeInformation.FrameworkDescription,
        DescribeDisk(folder),
        FirstLine("/proc/loadavg") ?? "unknown",
        Commits());

    /// <summary>In lines.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"""
        machine    {Processors} × {Processor}, {MemoryGigabytes:f1} GB memory, {System}
        runtime    {Runtime}, commit {Commit}
        disk       {Disk}
        load       {Load} (1, 5 and 15 min before the start: with others on the machine, figures are noisy)

        """);

    private static string DescribeDisk(string folder)
    {
        DriveInfo? drive = DriveInfo.GetDrives()
            .Where(drive => Path.GetFullPath(folder).StartsWith(drive.Name, StringComparison.Ordinal))
            .MaxBy(static drive => drive.Name.Length);
        if (drive is null)
            return folder;
        // A file system in memory has no fsync to speak of: ratios with the disk's yardstick would flatter.
        string warning = drive.DriveFormat is "tmpfs" or "ramfs" ? " - IN MEMORY, not a disk: give another --folder" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{drive.DriveFormat}, {drive.AvailableFreeSpace / 1e9:f0} GB free{warning}");
    }

    private static string Commits()
    {
        try
        {
            var start = new ProcessStartInfo("git", ["-C", AppContext.BaseDirectory, "describe", "--always", "--dirty"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using Process? git = Process.Start(start);
            string text = git?.StandardOutput.ReadToEnd().Trim() ?? "";
            return text.Length > 0 ? text : "unknown";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "unknown"; // No git here.
        }
    }

    private static string? Field(string path, string name) => !File.Exists(path)
        ? null
        : File.ReadLines(path).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[^1].Trim();

    private static string? FirstLine(string path) => File.Exists(path) ? File.ReadLines(path).FirstOrDefault() : null;
}

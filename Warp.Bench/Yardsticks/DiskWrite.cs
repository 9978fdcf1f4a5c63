using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Warp.Bench.Yardsticks;

/// <summary>What a disk takes of files written one after the other, each made durable (fsync) before the next is begun.</summary>
public static class DiskWrite
{
    /// <summary>The size of the objects that a broker writes.</summary>
    public const int FileBytes = 8 << 20;

    /// <summary>Writes files for some time, and deletes them.</summary>
    /// <param name="parent">A temporary folder is made in it.</param>
    /// <param name="content">What is written, again and again.</param>
    /// <param name="duration">How long.</param>
    /// <exception cref="IOException">The disk is full, or the folder cannot be written to.</exception>
    public static YardstickResult Measure(string parent, ReadOnlySpan<byte> content, TimeSpan duration)
    {
        string folder = Path.Combine(parent, $"warp-bench-disk-{Path.GetRandomFileName()}");
        Directory.CreateDirectory(folder);
        try
        {
            byte[] file = Fill(content);
            return YardstickResult.Of(() => Write(folder, file, duration));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double Write(string folder, byte[] file, TimeSpan duration)
    {
        long started = Stopwatch.GetTimestamp();
        long files = 0;
        while (Stopwatch.GetElapsedTime(started) < duration)
        {
            using SafeFileHandle handle = File.OpenHandle(Path.Combine(folder, $"{files}"), FileMode.CreateNew, FileAccess.Write);
            RandomAccess.Write(handle, file, 0);
            RandomAccess.FlushToDisk(handle);
            files++;
        }
        return files * (double)FileBytes;
    }

    private static byte[] Fill(ReadOnlySpan<byte> content)
    {
        var file = new byte[FileBytes];
        for (int filled = 0; filled < file.Length;)
        {
            int count = Math.Min(content.Length, file.Length - filled);
            content[..count].CopyTo(file.AsSpan(filled));
            filled += count;
        }
        return file;
    }
}

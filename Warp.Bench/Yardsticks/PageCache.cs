using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Warp.Bench.Yardsticks;

/// <summary>The operating system's memory of files.</summary>
internal static partial class PageCache
{
    private const int DoNotNeed = 4;

    /// <summary>
    /// Has the system forget the content of all files in a folder, so that reading them reads the disk. Linux only; elsewhere nothing
    /// happens.
    /// </summary>
    /// <returns>Bytes of the files.</returns>
    public static long Drop(string folder)
    {
        long bytes = 0;
        if (!OperatingSystem.IsLinux())
            return bytes;
        foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            using SafeFileHandle file = File.OpenHandle(path);
            // What is not on the disk yet cannot be forgotten.
            RandomAccess.FlushToDisk(file);
            _ = Native.Advise(file, 0, 0, DoNotNeed);
            bytes += RandomAccess.GetLength(file);
        }
        return bytes;
    }

    private static partial class Native
    {
        [LibraryImport("libc", EntryPoint = "posix_fadvise")]
        public static partial int Advise(SafeFileHandle file, long offset, long length, int advice);
    }
}

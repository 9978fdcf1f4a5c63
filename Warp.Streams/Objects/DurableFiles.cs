using System.Runtime.InteropServices;

namespace Warp.Streams.Objects;

/// <summary>
/// What the framework's file calls lack for names that survive a power cut: a link that never replaces, and the fsync of a folder.
/// On Windows a move that never replaces stands for the link, and folders need no fsync.
/// </summary>
internal static partial class DurableFiles
{
    private const int ReadOnly = 0;
    private const int CloseOnExec = 0x80000; // Linux; elsewhere the flag has other values and a short-lived descriptor does without

    private const int ErrorInterrupted = 4;
    private const int ErrorExists = 17;

    /// <summary>Gives a file one more name, if nothing has that name. Atomic: the file appears whole or not at all.</summary>
    /// <returns>Whether the name was free.</returns>
    /// <exception cref="IOException">It failed otherwise; the HResult is the system's error number.</exception>
    public static bool TryLink(string file, string name)
    {
        if (OperatingSystem.IsWindows())
            return TryMove(file, name);
        if (Native.Link(file, name) == 0)
            return true;
        int error = Marshal.GetLastPInvokeError();
        return error == ErrorExists ? false : throw Failure(error, $"link {name}");
    }

    /// <summary>Makes the names in a folder durable.</summary>
    /// <exception cref="IOException">It failed; the HResult is the system's error number.</exception>
    public static void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        int descriptor = Native.Open(folder, ReadOnly | (OperatingSystem.IsLinux() ? CloseOnExec : 0));
        if (descriptor < 0)
            throw Failure(Marshal.GetLastPInvokeError(), $"open {folder}");
        try
        {
            while (Native.Fsync(descriptor) != 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error != ErrorInterrupted)
                    throw Failure(error, $"fsync {folder}");
            }
        }
        finally
        {
            _ = Native.Close(descriptor);
        }
    }

    /// <summary>Creates a folder with all above it that are missing, and makes the new names durable.</summary>
    public static void CreateFolder(string folder)
    {
        var changed = new List<string>();
        for (string missing = folder; !Directory.Exists(missing) && Path.GetDirectoryName(missing) is { } parent; missing = parent)
            changed.Add(parent);
        Directory.CreateDirectory(folder);
        changed.ForEach(SyncFolder);
    }

    private static bool TryMove(string file, string name)
    {
        try
        {
            File.Move(file, name, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(name))
        {
            return false;
        }
    }

    private static IOException Failure(int error, string what) => new($"{Marshal.GetPInvokeErrorMessage(error)} ({what})", error);

    private static partial class Native
    {
        [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int Open(string path, int flags);

        [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
        internal static partial int Fsync(int descriptor);

        [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
        internal static partial int Close(int descriptor);

        [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        internal static partial int Link(string existing, string name);
    }
}

using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Warp.Specs.Hosting;

/// <summary>The signals of Linux that .NET has no method for.</summary>
internal static partial class Signal
{
    public const int Term = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    /// <exception cref="Win32Exception">The process is gone.</exception>
    public static void Send(Process process, int signal)
    {
        if (Kill(process.Id, signal) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}

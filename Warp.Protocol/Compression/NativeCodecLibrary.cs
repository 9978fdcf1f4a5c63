using System.Runtime.InteropServices;

namespace Warp.Protocol.Compression;

/// <summary>Finds the system's copy of a native compression library under the names that the platforms give it.</summary>
public static class NativeCodecLibrary
{
    /// <summary>Loads a library that follows the usual naming, major version 1.</summary>
    /// <param name="name">Its bare name: <c>lz4</c> or <c>zstd</c>.</param>
    /// <returns>A handle that stays open.</returns>
    /// <exception cref="CodecUnavailableException">It is not installed.</exception>
    public static nint Load(string name)
    {
        foreach (string file in (ReadOnlySpan<string>)[$"lib{name}.so.1", $"lib{name}.1.dylib", $"lib{name}.dll"])
        {
            if (NativeLibrary.TryLoad(file, out nint handle))
                return handle;
        }
        throw new CodecUnavailableException(
            $"The {name} codec needs the system library lib{name} (lib{name}.so.1 on Linux), which is not installed.");
    }
}

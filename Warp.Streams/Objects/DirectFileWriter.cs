using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Warp.Protocol.Wire;

namespace Warp.Streams.Objects;

/// <summary>
/// Writes large files past the system's page cache, where the file system can (Linux: O_DIRECT). What is written is in the chunk cache already
/// if anybody wants it soon; to copy it into fresh pages of the kernel is most of the processor time of a write, and pushes out pages that
/// are of use. Thread-safe.
/// </summary>
/// <remarks>
/// Such writes want addresses, positions and lengths that are multiples of a page. Pieces that are like that, as the blocks of an object are
/// (<see cref="BufferPool"/>), are written as they are; what is not goes through a buffer. The last page is filled up, and the file is
/// cut to its length.
/// </remarks>
internal sealed partial class DirectFileWriter
{
    /// <summary>Less than this gains nothing.</summary>
    public const int SmallestBytes = 256 << 10;

    private const int PageBytes = BufferPool.PageBytes;

    /// <summary>Fits into a processor's cache, and keeps a disk busy.</summary>
    private const int BufferBytes = 1 << 20;

    private const int SetFlags = 4;
    private const int ErrorInvalid = 22;

    private static readonly int s_direct = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    private volatile bool _isRefused = !OperatingSystem.IsLinux();

    /// <summary>Writes pieces to a file, one behind the other.</summary>
    /// <param name="file">Open for writing; nothing is written to it by others meanwhile, and it ends with these pieces.</param>
    /// <param name="content">The pieces.</param>
    /// <param name="position">Where the first one goes.</param>
    public void Write(SafeFileHandle file, IReadOnlyList<ReadOnlyMemory<byte>> content, long position)
    {
        bool isDirect = !_isRefused && position % PageBytes == 0 && ObjectStores.LengthOf(content) >= SmallestBytes;
        if (isDirect && TryWriteDirect(file, content, position))
            return;
        RandomAccess.Write(file, content, position);
        // What was tried directly may have left whole pages behind the end.
        if (isDirect)
            RandomAccess.SetLength(file, position + ObjectStores.LengthOf(content));
    }

    private bool TryWriteDirect(SafeFileHandle file, IReadOnlyList<ReadOnlyMemory<byte>> content, long position)
    {
        _isRefused = Native.Fcntl(file, SetFlags, s_direct) != 0;
        if (_isRefused)
            return false;
        try
        {
            WriteDirect(file, content, position);
            return true;
        }
        catch (IOException error) when (error.HResult == ErrorInvalid)
        {
            // Its pages are of another size.
            _isRefused = true;
            return false;
        }
        finally
        {
            _ = Native.Fcntl(file, SetFlags, 0);
        }
    }

    private static void WriteDirect(SafeFileHandle file, IReadOnlyList<ReadOnlyMemory<byte>> content, long position)
    {
        // Large enough to begin at a page itself.
        using PooledBuffer pooled = PooledBuffer.Rent(BufferBytes);
        Span<byte> buffer = pooled.Memory.Span;
        int filled = 0;
        foreach (ReadOnlyMemory<byte> piece in content)
        {
            ReadOnlySpan<byte> rest = piece.Span;
            if (filled == 0)
            {
                int written = WriteWholePages(file, rest, position);
                position += written;
                rest = rest[written..];
            }
            while (!rest.IsEmpty)
            {
                int count = Math.Min(rest.Length, BufferBytes - filled);
                rest[..count].CopyTo(buffer[filled..]);
                filled += count;
                rest = rest[count..];
                if (filled < BufferBytes)
                    continue;
                RandomAccess.Write(file, buffer, position);
                position += filled;
                filled = 0;
            }
        }
        if (filled > 0)
        {
            int whole = (filled + PageBytes - 1) & -PageBytes;
            buffer[filled..whole].Clear();
            RandomAccess.Write(file, buffer[..whole], position);
            RandomAccess.SetLength(file, position + filled);
        }
    }

    /// <summary>Writes the whole pages of a piece that begins at a page, from where they are; returns how many bytes those are.</summary>
    private static unsafe int WriteWholePages(SafeFileHandle file, ReadOnlySpan<byte> piece, long position)
    {
        fixed (byte* first = piece)
        {
            int whole = ((nint)first & (PageBytes - 1)) == 0 ? piece.Length & -PageBytes : 0;
            if (whole > 0)
                RandomAccess.Write(file, piece[..whole], position);
            return whole;
        }
    }

    private static partial class Native
    {
        [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
        internal static partial int Fcntl(SafeFileHandle file, int command, int flags);
    }
}

using System.Buffers;
using System.Runtime.InteropServices;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Protocol.Compression;

/// <summary>Zstandard frames (RFC 8878), by the system's libzstd. Several frames one after the other are one block.</summary>
/// <remarks>
/// Windows of up to 128 MiB are accepted (the library's default), for clients that compress at the highest levels. The library
/// allocates a window without touching it, so one that a short frame only claims costs address space, not memory.
/// </remarks>
internal sealed unsafe partial class ZstdCodec : ICodec
{
    private const string Library = "zstd";

    // Zstandard's and Kafka's default.
    private const int Level = 3;

    public CompressionType Type => CompressionType.Zstd;

    public void Compress(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        Span<byte> free = output.GetSpan(checked((int)ZSTD_compressBound((nuint)input.Length)));
        fixed (byte* from = input, to = free)
            output.Advance((int)Checked(ZSTD_compress(to, (nuint)free.Length, from, (nuint)input.Length, Level)));
    }

    public PooledBuffer Decompress(ReadOnlySpan<byte> input, int maxBytes)
    {
        nint context = ZSTD_createDCtx();
        if (context == 0)
            throw new InsufficientMemoryException("zstd: no memory for a decompression context.");
        try
        {
            using var output = new DecompressedOutput(input.Length, maxBytes);
            fixed (byte* from = input)
            {
                var source = new Buffer { Start = from, Size = (nuint)input.Length };
                Decompress(context, source, output);
                if (output.NeedsSecondRun)
                {
                    // At the end of a frame the context is ready for the next.
                    output.BeginSecondRun();
                    Decompress(context, source, output);
                }
            }
            return output.ToBuffer();
        }
        finally
        {
            ZSTD_freeDCtx(context);
        }
    }

    private static void Decompress(nint context, Buffer source, DecompressedOutput output)
    {
        while (true)
        {
            Span<byte> free = output.Free;
            nuint missing;
            Buffer destination;
            fixed (byte* to = free)
            {
                destination = new Buffer { Start = to, Size = (nuint)free.Length };
                missing = Checked(ZSTD_decompressStream(context, ref destination, ref source));
            }
            output.Advance((int)destination.Position);
            if (source.Position == source.Size && missing == 0)
                return;
            if (source.Position == source.Size && destination.Position < destination.Size)
                throw new CorruptRecordException("The zstd frame is cut.");
        }
    }

    private static nuint Checked(nuint result)
    {
        if (ZSTD_isError(result) != 0)
            throw new CorruptRecordException($"zstd: {Marshal.PtrToStringUTF8(ZSTD_getErrorName(result))}.");
        return result;
    }

    /// <summary>ZSTD_inBuffer and ZSTD_outBuffer.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Buffer
    {
        public byte* Start;
        public nuint Size;
        public nuint Position;
    }

    [LibraryImport(Library)]
    private static partial nuint ZSTD_compressBound(nuint sourceSize);

    [LibraryImport(Library)]
    private static partial nuint ZSTD_compress(byte* destination, nuint capacity, byte* source, nuint sourceSize, int level);

    [LibraryImport(Library)]
    private static partial nint ZSTD_createDCtx();

    [LibraryImport(Library)]
    private static partial nuint ZSTD_freeDCtx(nint context);

    [LibraryImport(Library)]
    private static partial nuint ZSTD_decompressStream(nint context, ref Buffer output, ref Buffer input);

    [LibraryImport(Library)]
    private static partial uint ZSTD_isError(nuint result);

    [LibraryImport(Library)]
    private static partial nint ZSTD_getErrorName(nuint result);
}

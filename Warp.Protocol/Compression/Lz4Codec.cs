using System.Buffers;
using System.Runtime.InteropServices;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Protocol.Compression;

/// <summary>LZ4 frames, by the system's liblz4. Writes independent blocks of 64 KiB, all that Kafka's Java client reads.</summary>
internal sealed unsafe partial class Lz4Codec : ICodec
{
    private const string Library = "lz4";
    private const uint FrameApiVersion = 100;

    private static readonly Preferences IndependentBlocks = new() { BlockMode = 1 };

    public CompressionType Type => CompressionType.Lz4;

    public void Compress(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        Span<byte> free = output.GetSpan(checked((int)LZ4F_compressFrameBound((nuint)input.Length, IndependentBlocks)));
        fixed (byte* from = input, to = free)
            output.Advance((int)Checked(LZ4F_compressFrame(to, (nuint)free.Length, from, (nuint)input.Length, IndependentBlocks)));
    }

    public PooledBuffer Decompress(ReadOnlySpan<byte> input, int maxBytes)
    {
        Checked(LZ4F_createDecompressionContext(out nint context, FrameApiVersion));
        try
        {
            using var output = new DecompressedOutput(input.Length, maxBytes);
            fixed (byte* from = input)
            {
                Decompress(context, from, (nuint)input.Length, output);
                if (output.NeedsSecondRun)
                {
                    // At the end of a frame the context is ready for the next.
                    output.BeginSecondRun();
                    Decompress(context, from, (nuint)input.Length, output);
                }
            }
            return output.ToBuffer();
        }
        finally
        {
            LZ4F_freeDecompressionContext(context);
        }
    }

    private static void Decompress(nint context, byte* input, nuint length, DecompressedOutput output)
    {
        nuint position = 0;
        while (true)
        {
            Span<byte> free = output.Free;
            nuint written = (nuint)free.Length, read = length - position, missing;
            fixed (byte* to = free)
                missing = Checked(LZ4F_decompress(context, to, ref written, input + position, ref read, options: null));
            position += read;
            output.Advance((int)written);
            if (position == length && missing == 0)
                return;
            if (position == length && written < (nuint)free.Length)
                throw new CorruptRecordException("The lz4 frame is cut.");
        }
    }

    private static nuint Checked(nuint result)
    {
        if (LZ4F_isError(result) != 0)
            throw new CorruptRecordException($"lz4: {Marshal.PtrToStringUTF8(LZ4F_getErrorName(result))}.");
        return result;
    }

    /// <summary>LZ4F_preferences_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Preferences
    {
        public int BlockSizeId;
        public int BlockMode;
        public int ContentChecksum;
        public int FrameType;
        public ulong ContentSize;
        public uint DictionaryId;
        public int BlockChecksum;
        public int CompressionLevel;
        public uint AutoFlush;
        public uint FavorDecompressionSpeed;
        public fixed uint Reserved[3];
    }

    [LibraryImport(Library)]
    private static partial nuint LZ4F_compressFrameBound(nuint sourceSize, in Preferences preferences);

    [LibraryImport(Library)]
    private static partial nuint LZ4F_compressFrame(
        byte* destination, nuint capacity, byte* source, nuint sourceSize, in Preferences preferences);

    [LibraryImport(Library)]
    private static partial nuint LZ4F_createDecompressionContext(out nint context, uint version);

    [LibraryImport(Library)]
    private static partial nuint LZ4F_freeDecompressionContext(nint context);

    [LibraryImport(Library)]
    private static partial nuint LZ4F_decompress(
        nint context, byte* destination, ref nuint destinationSize, byte* source, ref nuint sourceSize, void* options);

    [LibraryImport(Library)]
    private static partial uint LZ4F_isError(nuint result);

    [LibraryImport(Library)]
    private static partial nint LZ4F_getErrorName(nuint result);
}

using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Warp.Streams.Format;

namespace Warp.Node.Cli;

/// <summary>
/// <c>warp inspect</c>: one object of the store as JSON, down to the headers of its batches, with every checksum verified. Takes the
/// memory of the footer and of a small buffer, however large the object is.
/// </summary>
public static class InspectCommand
{
    private static readonly JsonWriterOptions s_format = new() { Indented = true };

    /// <summary>Writes the JSON.</summary>
    /// <param name="path">The file that holds the object.</param>
    /// <param name="output">Gets UTF-8, and stays the caller's.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns><see cref="ExitCode.Ok"/>.</returns>
    /// <exception cref="InvalidDataException">
    /// The file is no object, or a damaged one. If only batches are damaged, the JSON was written and says which.
    /// </exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static async Task<int> RunAsync(string path, Stream output, CancellationToken cancellationToken)
    {
        using SafeFileHandle file = Open(path);
        (ObjectFooter footer, int version, uint footerCrc, int tailLength) = ReadFrame(path, file);
        var problems = new InspectionProblems();
        await using (var json = new Utf8JsonWriter(output, s_format))
        {
            json.WriteStartObject();
            WriteHead(json, path, footer, version, footerCrc, tailLength);
            json.WriteStartArray("extents");
            var batches = new BatchInspector(file, footer, problems);
            for (int i = 0; i < footer.Extents.Length; i++)
                await batches.WriteExtentAsync(json, footer.Extents[i], cancellationToken);
            json.WriteEndArray();
            problems.Write(json);
            json.WriteEndObject();
            await json.FlushAsync(cancellationToken);
        }
        output.WriteByte((byte)'\n');
        await output.FlushAsync(cancellationToken);
        return problems.Count == 0
            ? ExitCode.Ok
            : throw new InvalidDataException($"{path} is damaged: {problems.First}{Others(problems.Count - 1)}");
    }

    private static string Others(int count) => count == 0 ? "" : $" ({count} more in \"problems\")";

    private static SafeFileHandle Open(string path)
    {
        if (Directory.Exists(path))
            throw new IOException($"{path} is a folder, not an object");
        try
        {
            return File.OpenHandle(path, options: FileOptions.SequentialScan);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{path} may not be read", e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new IOException($"{path} does not exist", e);
        }
    }

    /// <summary>Reads what is before and after the batches.</summary>
    private static (ObjectFooter Footer, int Version, uint FooterCrc, int TailLength) ReadFrame(string path, SafeFileHandle file)
    {
        try
        {
            long size = RandomAccess.GetLength(file);
            byte[] header = Read(file, 0, (int)Math.Min(size, ObjectFormat.HeaderBytes));
            ObjectHeader.Verify(header);
            byte[] trailer = Read(file, Math.Max(0, size - ObjectFormat.TrailerBytes), (int)Math.Min(size, ObjectFormat.TrailerBytes));
            int tailLength = ObjectFooter.TailLength(trailer, size);
            ObjectFooter footer = ObjectFooter.Parse(Read(file, size - tailLength, tailLength), size);
            int version = BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(4));
            return (footer, version, BinaryPrimitives.ReadUInt32BigEndian(trailer.AsSpan(4)), tailLength);
        }
        catch (CorruptObjectException e)
        {
            throw new InvalidDataException($"{path} is no whole object: {e.Message}", e);
        }
    }

    private static byte[] Read(SafeFileHandle file, long position, int length)
    {
        var bytes = new byte[length];
        for (int count = 0; count < length;)
        {
            int read = RandomAccess.Read(file, bytes.AsSpan(count), position + count);
            if (read == 0)
                throw new CorruptObjectException("The file became shorter while it was read.");
            count += read;
        }
        return bytes;
    }

    private static void WriteHead(Utf8JsonWriter json, string path, ObjectFooter footer, int version, uint footerCrc, int tailLength)
    {
        json.WriteString("path", path);
        json.WriteNumber("sizeBytes", footer.ObjectSize);
        json.WriteString("objectId", footer.ObjectId.ToString());
        json.WriteString("objectIdTime", footer.ObjectId.Time);
        json.WriteString("clusterId", footer.ClusterId);
        json.WriteString("createdAt", footer.CreatedAt);

        json.WriteStartObject("header");
        json.WriteNumber("version", version);
        json.WriteNumber("lengthBytes", ObjectFormat.HeaderBytes);
        json.WriteEndObject();

        json.WriteStartObject("footer");
        json.WriteNumber("position", footer.ObjectSize - tailLength);
        json.WriteNumber("lengthBytes", tailLength - ObjectFormat.TrailerBytes);
        json.WriteString("crc32c", footerCrc.ToString("x8"));
        json.WriteBoolean("absoluteOffsets", footer.Flags.HasFlag(ObjectFlags.AbsoluteOffsets));
        json.WriteNumber("extentCount", footer.Extents.Length);
        json.WriteEndObject();
    }
}

using System.Security.Cryptography;
using System.Text;

namespace Warp.Specs.Clients.Matrix;

/// <summary>A record as a driver is told to produce it, or as it has read it.</summary>
/// <param name="Key">Null is not the same as empty.</param>
/// <param name="Value">Null is not the same as empty.</param>
/// <param name="Headers">In their order; a name may occur more than once.</param>
/// <param name="TimestampMs">Not given: the client takes its clock.</param>
/// <param name="Offset">Of a record that was read.</param>
public sealed record MatrixRecord(
    byte[]? Key, byte[]? Value, IReadOnlyList<MatrixHeader> Headers, long? TimestampMs = null, long? Offset = null)
{
    /// <summary>Everything of the record but its offset and timestamp, as a text to compare and to show.</summary>
    public string Content =>
        $"{Show(Key)} = {Show(Value)} [{string.Join(", ", Headers.Select(header => $"{header.Name}={Show(header.Value)}"))}]";

    /// <summary>A record of texts without headers.</summary>
    public static MatrixRecord Of(string? key, string? value, long? timestampMs = null) =>
        new(ToBytes(key), ToBytes(value), [], timestampMs);

    private static byte[]? ToBytes(string? text) => text is null ? null : Encoding.UTF8.GetBytes(text);

    private static string Show(byte[]? data) => data switch
    {
        null => "null",
        { Length: > 64 } => $"{data.Length} bytes with SHA-256 {Convert.ToHexStringLower(SHA256.HashData(data))}",
        _ => $"'{Encoding.Latin1.GetString(data)}'",
    };
}

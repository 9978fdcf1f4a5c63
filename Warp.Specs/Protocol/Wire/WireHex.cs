namespace Warp.Specs.Protocol.Wire;

/// <summary>Bytes as people write them: hexadecimal digits with spaces anywhere.</summary>
internal static class WireHex
{
    public static byte[] Bytes(params string[] hex) => Convert.FromHexString(string.Concat(hex).Replace(" ", "", StringComparison.Ordinal));

    public static string Text(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}

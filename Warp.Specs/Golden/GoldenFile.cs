using Xunit;

namespace Warp.Specs.Golden;

/// <summary>Bytes that an earlier version wrote, from the files in this folder.</summary>
internal static class GoldenFile
{
    /// <summary>Reads a file.</summary>
    /// <param name="name">Its path below this folder, with dots between the parts.</param>
    public static byte[] Read(string name)
    {
        using Stream? stream = typeof(GoldenFile).Assembly.GetManifestResourceStream($"{typeof(GoldenFile).Namespace}.{name}");
        Assert.True(stream is not null, $"There is no golden file {name}.");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Compares with a file; the message has both as hex.</summary>
    public static void AssertEqual(string name, byte[] actual)
    {
        byte[] expected = Read(name);
        Assert.True(
            expected.AsSpan().SequenceEqual(actual),
            $"{name} has {Convert.ToHexString(expected)}, today's bytes are {Convert.ToHexString(actual)}");
    }
}

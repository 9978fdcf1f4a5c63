using System.Text;

namespace Warp.Specs.Clients.Matrix;

/// <summary>The records that every client writes with every codec, and every client reads.</summary>
internal static class MatrixCorpus
{
    private const int Count = 20;

    /// <summary>An hour ago: no retention deletes them, and it is not the time of the run.</summary>
    private static readonly long _firstMs = DateTimeOffset.UtcNow.AddHours(-1).ToUnixTimeMilliseconds();

    /// <summary>
    /// Some short, some of many kilobytes, some no text. Any codec makes any one of them smaller: a client sends a batch that would grow
    /// as it is.
    /// </summary>
    public static IReadOnlyList<MatrixRecord> Records { get; } = [.. Enumerable.Range(0, Count).Select(Make)];

    private static MatrixRecord Make(int number) => new(
        Encoding.UTF8.GetBytes($"clé {number % 7}"),
        (number % 3) switch
        {
            0 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat($"record {number}, ", 20))),
            1 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat($"{{\"number\":{number},\"unit\":\"°C\"}}\n", 400))),
            _ => [.. Enumerable.Range(0, 3000).Select(index => (byte)((index * ((2 * number) + 1)) & 0xff))],
        },
        [MatrixHeader.Of("source", "matrix"), MatrixHeader.Of("tag", "one"), MatrixHeader.Of("tag", "two")],
        _firstMs + number);
}

using System.Globalization;
using Xunit;

namespace Warp.Specs.Protocol.Records;

/// <summary>Randomness that is the same in every run, unless WARP_SEED says otherwise; the seed is printed.</summary>
internal static class SeededRandom
{
    public static Random Create(ITestOutputHelper output)
    {
        string? wanted = Environment.GetEnvironmentVariable("WARP_SEED");
        int seed = wanted is null ? 1 : int.Parse(wanted, CultureInfo.InvariantCulture);
        output.WriteLine($"WARP_SEED={seed}");
        return new Random(seed);
    }
}

using Xunit;

namespace Warp.Specs.Streams.Format;

/// <summary>The random source of a property test: the same one every time unless the environment says otherwise.</summary>
internal static class TestSeed
{
    /// <summary>Prints the seed, so that a failure can be had again with WARP_SEED.</summary>
    public static Random Random()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("WARP_SEED"), out int given) ? given : 20261122;
        TestContext.Current.TestOutputHelper?.WriteLine($"WARP_SEED={seed}");
        return new Random(seed);
    }
}

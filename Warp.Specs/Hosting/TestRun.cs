using System.Globalization;
using Xunit;

namespace Warp.Specs.Hosting;

/// <summary>What this run of the tests was asked for, by environment variables.</summary>
public static class TestRun
{
    /// <summary>A seed: <c>WARP_SEED</c>, to repeat a run, or else a new one each time. It is written to the test's output.</summary>
    public static int TakeSeed()
    {
        int seed = Environment.GetEnvironmentVariable("WARP_SEED") is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"WARP_SEED={seed}");
        return seed;
    }

    /// <summary>Whether long checks run whole (<c>./test.sh --long</c>).</summary>
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("WARP_LONG") == "1";
}

namespace Warp.Bench.Scenarios;

/// <summary>Of the runs of a scenario.</summary>
public static class Median
{
    /// <summary>The middle one of an odd number of values, or the mean of the two in the middle.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static double Of(IEnumerable<double> values)
    {
        double[] rising = [.. values.Order()];
        if (rising.Length == 0)
            throw new ArgumentException("no value has no median", nameof(values));
        int middle = rising.Length / 2;
        return rising.Length % 2 == 1 ? rising[middle] : (rising[middle - 1] + rising[middle]) / 2;
    }
}

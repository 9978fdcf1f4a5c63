using System.Diagnostics;

namespace Warp.Specs.Hosting;

/// <summary>Waits for what happens in another process, which cannot be awaited.</summary>
public static class Wait
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Returns as soon as the condition holds.</summary>
    /// <param name="condition">Looked at every 20 ms.</param>
    /// <param name="timeout">How long at most.</param>
    /// <param name="what">For the error message: what was waited for.</param>
    /// <exception cref="TimeoutException">It did not hold in time.</exception>
    public static async Task UntilAsync(Func<bool> condition, TimeSpan timeout, string what)
    {
        for (var elapsed = Stopwatch.StartNew(); !condition();)
        {
            if (elapsed.Elapsed > timeout)
                throw new TimeoutException($"waited {timeout.TotalSeconds} s in vain for {what}");
            await Task.Delay(_interval);
        }
    }
}

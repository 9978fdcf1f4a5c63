using Warp.Load.Measuring;

namespace Warp.Load.Pacing;

/// <summary>
/// Deals the moments of one schedule out to the connections in turn, on a thread of its own that sleeps in between. A sleep takes about
/// a millisecond at least, so requests leave up to that much late; their latency counts from when they were due all the same.
/// </summary>
internal sealed class Pacer(RunClock clock, OpenLoopSchedule schedule, RunWindow window, IReadOnlyList<OpenLoop> connections)
{
    /// <summary>How soon it sees that a run was stopped.</summary>
    private const long LongestSleepMicros = 100_000;

    /// <summary>Deals until the window ends.</summary>
    /// <returns>Ends with the last moment dealt.</returns>
    public Task RunAsync()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => Run(ended)) { IsBackground = true, Name = "warp bench pacer" }.Start();
        return ended.Task;
    }

    private void Run(TaskCompletionSource ended)
    {
        long count = schedule.CountBefore(window.ToMicros);
        for (long number = 0; number < count; number++)
        {
            long due = schedule.DueMicros(number);
            while (due - clock.NowMicros is > 0 and var left)
            {
                if (clock.NowMicros >= window.ToMicros)
                    break;
                Thread.Sleep(TimeSpan.FromMilliseconds(Math.Max(1, Math.Min(left, LongestSleepMicros) / 1000)));
            }
            // The run may have been stopped meanwhile.
            if (due >= window.ToMicros)
                break;
            connections[(int)(number % connections.Count)].Add(due);
        }
        foreach (OpenLoop connection in connections)
            connection.Complete();
        ended.SetResult();
    }
}

using Warp.Node.Configuration;

namespace Warp.Node.Demo;

/// <summary>How a demo is shown.</summary>
public interface IDemoView
{
    /// <summary>Says what runs and how to try it, and then shows what the demo tells for as long as it runs.</summary>
    /// <param name="introduction">What does not change.</param>
    /// <param name="demo">Runs the demo; it is given what to call with each new state.</param>
    Task RunAsync(DemoIntroduction introduction, Func<Action<DemoInterval>, Task> demo);
}

/// <summary>What a demo says once.</summary>
public sealed record DemoIntroduction(HostPort Bootstrap, HostPort Http, string Topic, int Partitions, TimeSpan? For)
{
    /// <summary>Commands to paste into another terminal.</summary>
    public IReadOnlyList<string> Commands { get; } =
    [
        $"kcat -b {Bootstrap} -L",
        $"kcat -b {Bootstrap} -C -t {Topic} -o end",
        $"curl http://{Http}/metrics",
    ];

    /// <summary>What runs, where, and for how long.</summary>
    public string Sentence => $"A Warp node listens on {Bootstrap}; topic {Topic} has {Partitions} partitions. {Ending}";

    private string Ending => For is { } duration ? $"It ends by itself after {Units.Format(duration)}." : "Ctrl+C ends it.";
}

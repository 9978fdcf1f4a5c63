namespace Warp.Specs.Chaos;

/// <summary>What can happen to a cluster.</summary>
public enum ClusterFault
{
    /// <summary>A node dies (kill -9), and is started again.</summary>
    Kill,

    /// <summary>A node stands still for 15 s (SIGSTOP, SIGCONT), longer than its lease.</summary>
    Pause,

    /// <summary>A node loses the database.</summary>
    CutFromDatabase,

    /// <summary>A node loses the other nodes.</summary>
    CutFromNodes,

    /// <summary>PostgreSQL ends as in a crash (immediate mode), and is started again.</summary>
    RestartDatabase,

    /// <summary>A node drains (SIGTERM), and is started again.</summary>
    Drain,
}

namespace Warp.Specs.Hosting;

/// <summary>What a <see cref="TcpProxy"/> does with a connection.</summary>
public enum LinkFate
{
    /// <summary>It forwards what comes, also what has waited.</summary>
    Pass,

    /// <summary>It forwards nothing, without closing it: a network that loses packets for a while.</summary>
    Silence,

    /// <summary>It closes it.</summary>
    Cut,
}

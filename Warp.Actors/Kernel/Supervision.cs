namespace Warp.Actors.Kernel;

/// <summary>What happens to an actor that fails.</summary>
public enum Supervision
{
    /// <summary>A fresh instance takes its place, with exponential back-off.</summary>
    Restart,

    /// <summary>The whole system has failed (<see cref="ActorSystem.Failure"/>): its state cannot be rebuilt within this process.</summary>
    Escalate,
}

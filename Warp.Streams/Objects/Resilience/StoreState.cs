namespace Warp.Streams.Objects.Resilience;

/// <summary>How well a store works, as of late.</summary>
public enum StoreState
{
    /// <summary>It works.</summary>
    Healthy,

    /// <summary>It is slow, or some of its requests fail, or it is being tried again after it was unavailable.</summary>
    Degraded,

    /// <summary>Most of its requests fail: nothing is sent for a moment. Produce requests are refused at once, with an error that clients
    /// retry.</summary>
    Unavailable,
}

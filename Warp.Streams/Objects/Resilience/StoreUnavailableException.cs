namespace Warp.Streams.Objects.Resilience;

/// <summary>A request was refused without being sent, because the store has failed too often lately.</summary>
public sealed class StoreUnavailableException(string store, string? key)
    : ObjectStoreException(
        store,
        key,
        "It has failed too often lately, and is left alone for a moment. The errors before this one say why.",
        isTransient: true);

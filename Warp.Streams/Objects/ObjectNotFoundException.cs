namespace Warp.Streams.Objects;

/// <summary>There is no object of that key: it was deleted, or never put.</summary>
public sealed class ObjectNotFoundException(string store, string key, Exception? inner = null)
    : ObjectStoreException(store, key, "There is no such object.", isTransient: false, inner);

namespace Warp.Streams.Objects;

/// <summary>An object store did not do what it was asked. The message names the store, the key, and what to do.</summary>
public class ObjectStoreException : Exception
{
    /// <param name="store">The store's description.</param>
    /// <param name="key">The object's key; null if it is about the store as a whole.</param>
    /// <param name="message">What happened and what to do, as sentences.</param>
    /// <param name="isTransient">Whether the same call may succeed later without anybody's help.</param>
    /// <param name="inner">The cause.</param>
    public ObjectStoreException(string store, string? key, string message, bool isTransient, Exception? inner = null)
        : base(key is null ? $"Object store {store}: {message}" : $"Object store {store}, object {key}: {message}", inner)
    {
        Store = store;
        Key = key;
        IsTransient = isTransient;
    }

    /// <summary>The store's description.</summary>
    public string Store { get; }

    /// <summary>The object's key, if it is about one.</summary>
    public string? Key { get; }

    /// <summary>Whether the same call may succeed later without anybody's help.</summary>
    public bool IsTransient { get; }
}

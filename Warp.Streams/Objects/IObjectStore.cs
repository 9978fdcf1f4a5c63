namespace Warp.Streams.Objects;

/// <summary>
/// A place for immutable objects. Objects are put whole, never overwritten, and durable when the put has ended. What was put can be
/// read, listed and deleted at once, by every process. Thread-safe.
/// </summary>
/// <remarks>
/// <para>Keys are checked by <see cref="ObjectKeys.Validate"/>; a key that breaks its rules is an <see cref="ArgumentException"/>. No key
/// may be a folder of another (<c>a</c> and <c>a/b</c>).</para>
/// <para>A buffer that is given to a call is the store's until the call has ended, also if it is cancelled or fails.</para>
/// <para>Anything that goes wrong in the store is an <see cref="ObjectStoreException"/>.</para>
/// </remarks>
public interface IObjectStore : IAsyncDisposable
{
    /// <summary>The longest object that <see cref="GetAsync"/> reads, in bytes.</summary>
    const int WholeObjectLimit = 64 << 20;

    /// <summary>Which store this is, for messages: its URL, without secrets.</summary>
    string Description { get; }

    /// <summary>Puts an object if there is none of that key. Of many that try at once one stores, and its bytes are whole.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="content">The object's bytes, in pieces; may be empty.</param>
    /// <param name="cancellationToken">After a cancellation the object may be there or not.</param>
    /// <exception cref="ObjectStoreException">The put failed; the object may be there, whole, or not.</exception>
    Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken);

    /// <summary>Starts to put an object in parts, for one that is too long to be in memory at once.</summary>
    Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken);

    /// <summary>Gives up the unfinished uploads of keys with a prefix that were started before a moment, whoever started them.</summary>
    /// <param name="prefix">Any beginning of a key; empty for all.</param>
    /// <param name="startedBefore">By the store's clock. Leave time enough for the longest upload.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>How many there were.</returns>
    Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken);

    /// <summary>Reads a part of an object.</summary>
    /// <param name="key">The object's key.</param>
    /// <param name="position">From which byte, 0 or more.</param>
    /// <param name="destination">As many bytes as are wanted.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>How many bytes were read: fewer than wanted only at the end of the object, 0 beyond it.</returns>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>Reads a small object, of at most <see cref="WholeObjectLimit"/> bytes.</summary>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    Task<byte[]> GetAsync(string key, CancellationToken cancellationToken);

    /// <summary>The size of an object in bytes; null if there is none.</summary>
    Task<long?> HeadAsync(string key, CancellationToken cancellationToken);

    /// <summary>The objects whose key begins with a prefix and comes after another key, in the ordinal order of keys.</summary>
    /// <param name="prefix">Any beginning of a key; empty for all objects.</param>
    /// <param name="startAfter">The last key of the page before, or null. It need not exist.</param>
    /// <param name="cancellationToken">Stops the listing.</param>
    /// <remarks>What is put or deleted meanwhile may be listed or not.</remarks>
    IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, CancellationToken cancellationToken);

    /// <summary>Deletes objects; one that is not there is fine.</summary>
    /// <exception cref="ObjectStoreException">Some may be deleted, others not.</exception>
    Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken);
}

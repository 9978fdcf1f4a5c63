namespace Warp.Streams.Objects;

/// <summary>One object of a listing.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Size">In bytes.</param>
/// <param name="LastModified">When it was put, by the store's clock.</param>
public readonly record struct ObjectInfo(string Key, long Size, DateTimeOffset LastModified);

namespace Warp.Streams.Format;

/// <summary>
/// The bytes of an object are not what the format, or the metadata that points into it, says. The message names what is wrong.
/// Reading again does not help unless a cache or the network spoilt the bytes.
/// </summary>
public sealed class CorruptObjectException(string message) : Exception(message);

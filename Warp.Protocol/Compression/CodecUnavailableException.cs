namespace Warp.Protocol.Compression;

/// <summary>A codec's native library is not on this machine. Batches can still be passed through as they are.</summary>
public sealed class CodecUnavailableException(string message) : Exception(message);

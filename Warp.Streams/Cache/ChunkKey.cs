using Warp.Actors.Sequencing;

namespace Warp.Streams.Cache;

/// <summary>One chunk of one object.</summary>
public readonly record struct ChunkKey(ObjectId ObjectId, int ChunkNumber);

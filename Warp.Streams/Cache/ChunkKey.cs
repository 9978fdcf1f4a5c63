using Warp.Actors.Sequencing;

namespace Warp.Streams.Cache;

/// <summary>One chunk of one object.</summary>
internal readonly record struct ChunkKey(ObjectId ObjectId, int ChunkNumber);

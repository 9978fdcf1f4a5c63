using Warp.Actors.Cluster;

namespace Warp.Actors.Sharding;

/// <summary>What became of a wish to have shards elsewhere.</summary>
/// <param name="Refusal">Why it cannot be; null when it is being done.</param>
/// <param name="Moves">What was assigned anew; nothing where all was as it should be.</param>
public sealed record ShardMoves(string? Refusal, IReadOnlyList<ShardAssignment> Moves)
{
    public static ShardMoves Refused(string why) => new(why, []);
}

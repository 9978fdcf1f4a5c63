namespace Warp.Node.Control.Reports;

/// <summary>Where shards, or singletons, are.</summary>
/// <param name="JournalProblem">Why this is not the latest but what the node has last heard; null when the journal has just told it.</param>
/// <param name="Shards">By number.</param>
public sealed record ShardsReport(string? JournalProblem, IReadOnlyList<ShardReport> Shards);

/// <summary>One shard.</summary>
/// <param name="Shard">Its number.</param>
/// <param name="Singleton">Its name, if it is a singleton.</param>
/// <param name="State">owned, moving (to the node it is assigned to), expired (nobody has renewed its lease) or free.</param>
/// <param name="Owner">The node that has it; null while none has.</param>
/// <param name="AssignedTo">The node that should have it; null: any.</param>
/// <param name="Epoch">How often it was taken over.</param>
/// <param name="LeaseSeconds">How long its owner has it without a renewal.</param>
public sealed record ShardReport(int Shard, string? Singleton, string State, int? Owner, int? AssignedTo, long Epoch, double? LeaseSeconds);

/// <summary>Shards that were assigned anew.</summary>
/// <param name="Message">The same in a sentence.</param>
/// <param name="Moves">Each of them.</param>
public sealed record MovesReport(string Message, IReadOnlyList<MoveReport> Moves);

/// <summary>A shard, and the node that it should be on.</summary>
public sealed record MoveReport(int Shard, int? To);

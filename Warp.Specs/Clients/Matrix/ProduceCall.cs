namespace Warp.Specs.Clients.Matrix;

/// <summary>What a driver is to produce.</summary>
/// <param name="Topic">To produce to; may be created by that.</param>
/// <param name="Partition">Null leaves the choice to the client's partitioner.</param>
/// <param name="Records">In their order.</param>
/// <param name="Codec">By Kafka's name, <c>none</c> for none.</param>
/// <param name="Acks">0, 1, or -1 for all.</param>
/// <param name="Idempotent">Whether with a producer id and sequence numbers.</param>
public sealed record ProduceCall(
    string Topic, int? Partition, IReadOnlyList<MatrixRecord> Records, string Codec = "none", int Acks = -1, bool Idempotent = false);

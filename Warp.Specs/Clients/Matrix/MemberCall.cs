namespace Warp.Specs.Clients.Matrix;

/// <summary>A consumer that a driver is to start in a group; it consumes from the topic's beginning until it is closed.</summary>
/// <param name="Member">The name for later calls.</param>
/// <param name="Group">To join.</param>
/// <param name="Topic">To subscribe.</param>
/// <param name="Assignor">By Kafka's name, such as <c>range</c>.</param>
/// <param name="Instance">The group instance id of a static member.</param>
/// <param name="AutoCommit">Whether it commits by itself, every 200 ms.</param>
public sealed record MemberCall(
    string Member, string Group, string Topic, string Assignor = "range", string? Instance = null, bool AutoCommit = false);

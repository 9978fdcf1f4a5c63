namespace Warp.Specs.Clients.Matrix;

/// <summary>One thing that applications do with Kafka; the same for every client.</summary>
/// <param name="Name">A row of the matrix.</param>
/// <param name="Run">Does it with the client at hand; throws if it does not come out right.</param>
public sealed record MatrixCheck(string Name, Func<CheckContext, CancellationToken, Task> Run);

using System.Runtime.ExceptionServices;

namespace Warp.Specs.Clients.Matrix;

/// <summary>How a check has ended.</summary>
/// <param name="Failure">Null if it came out right.</param>
/// <param name="Elapsed">How long it took.</param>
public sealed record MatrixResult(ExceptionDispatchInfo? Failure, TimeSpan Elapsed);

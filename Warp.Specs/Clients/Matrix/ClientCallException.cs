namespace Warp.Specs.Clients.Matrix;

/// <summary>A call of a driver's client has failed.</summary>
/// <param name="code">Kafka's error code, or null if the client has named none.</param>
/// <param name="message">What the client said.</param>
public sealed class ClientCallException(int? code, string message) : Exception(message)
{
    /// <summary>Kafka's error code, or null if the client has named none.</summary>
    public int? Code { get; } = code;
}

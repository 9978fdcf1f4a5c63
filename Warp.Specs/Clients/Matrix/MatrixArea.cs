namespace Warp.Specs.Clients.Matrix;

/// <summary>The parts of the matrix; a test class each.</summary>
public enum MatrixArea
{
    /// <summary>Producing, consuming and administration.</summary>
    Records,

    /// <summary>Consumer groups.</summary>
    Groups,
}

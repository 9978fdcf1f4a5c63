using System.Text;

namespace Warp.Specs.Clients.Matrix;

/// <summary>A header of a record.</summary>
public sealed record MatrixHeader(string Name, byte[]? Value)
{
    /// <summary>A header whose value is a text.</summary>
    public static MatrixHeader Of(string name, string value) => new(name, Encoding.UTF8.GetBytes(value));
}

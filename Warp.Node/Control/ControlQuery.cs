using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Warp.Node.Control;

/// <summary>The arguments of a command, as they come in a request's query.</summary>
internal sealed class ControlQuery(IQueryCollection query)
{
    /// <summary>The word for the node that is asked.</summary>
    public const string Self = "self";

    /// <summary>A text; null where there is none.</summary>
    public string? Text(string name) => query.TryGetValue(name, out var values) && values is [{ Length: > 0 } value] ? value : null;

    /// <summary>A number.</summary>
    /// <exception cref="ControlException">It is missing, or none.</exception>
    public int Number(string name) => int.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
        ? number
        : throw ControlException.Misused($"{name} must be a number, not '{Text(name)}'.");

    /// <summary>A node's number, or the word for the one that is asked.</summary>
    public int Node(NodeControl control) => Text("node") == Self ? control.NodeId : Number("node");

    /// <summary>Whether something is wanted.</summary>
    public bool Flag(string name) => Text(name) == "true";
}

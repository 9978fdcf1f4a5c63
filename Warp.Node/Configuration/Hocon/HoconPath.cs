namespace Warp.Node.Configuration.Hocon;

/// <summary>The names that lead from the root of a configuration to a value.</summary>
public sealed class HoconPath
{
    public static readonly HoconPath Root = new([]);

    public HoconPath(IReadOnlyList<string> names) => Names = names;

    public IReadOnlyList<string> Names { get; }

    public HoconPath Then(HoconPath rest) => new([.. Names, .. rest.Names]);

    /// <summary>The names joined with dots; a name that holds other characters than an unquoted key may is quoted.</summary>
    public override string ToString() => string.Join('.', Names.Select(Quoted));

    private static string Quoted(string name) =>
        name.Length > 0 && name.All(c => char.IsLetterOrDigit(c) || c is '-' or '_') ? name : $"\"{name}\"";
}

using Warp.Node.Configuration;
using Warp.Node.Configuration.Hocon;

namespace Warp.Node.Cli;

/// <summary>Writes a configuration as HOCON, a key a line, with the origin of each value as a comment, and without passwords.</summary>
internal static class ConfigurationPrinter
{
    public static void Print(NodeConfiguration configuration, TextWriter output)
    {
        foreach (var entry in configuration.Entries)
            output.WriteLine($"{entry.Key} = {(entry.IsSecret ? Quoted(ConfigurationEntry.Hidden) : Hocon(entry.Value))}  # {entry.Origin}");
    }

    private static string Hocon(HoconValue value) => value switch
    {
        HoconScalar scalar when scalar.IsNull || IsPlain(scalar.Text) => scalar.Text,
        HoconScalar scalar => Quoted(Secrets.Hide(scalar.Text)),
        HoconArray array => $"[{string.Join(", ", array.Items.Select(Hocon))}]",
        _ => "{}",
    };

    private static bool IsPlain(string text) =>
        text.Length > 0 && text != "null" && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '%');

    private static string Quoted(string text) =>
        $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n").Replace("\r", "\\r").Replace("\t", "\\t")}\"";
}

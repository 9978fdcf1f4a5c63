using System.Text.Encodings.Web;
using System.Text.Json;

namespace Warp.Node.Cli;

/// <summary>
/// Prints what a command finds as it finds it: a line for each entry, or one JSON document with an array of them. Holds nothing back, however
/// much there is.
/// </summary>
internal sealed class ReportWriter(TextWriter output, bool json, string arrayName)
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private bool _any;

    /// <summary>Prints an entry.</summary>
    /// <param name="line">As a line.</param>
    /// <param name="entry">As JSON.</param>
    public void Write(string line, object entry)
    {
        if (!json)
        {
            output.WriteLine(line.ReplaceLineEndings(" "));
            return;
        }
        output.Write(_any ? ",\n  " : $"{{\"{arrayName}\": [\n  ");
        output.Write(JsonSerializer.Serialize(entry, s_json));
        _any = true;
    }

    /// <summary>Prints the end.</summary>
    /// <param name="line">As a line.</param>
    /// <param name="totals">As JSON; its properties go beside the array.</param>
    public void End(string line, object totals)
    {
        if (!json)
        {
            output.WriteLine(line);
            return;
        }
        string fields = JsonSerializer.Serialize(totals, s_json)[1..];
        output.WriteLine(_any ? $"\n ], {fields}" : $"{{\"{arrayName}\": [], {fields}");
    }
}

using System.Globalization;
using System.Text;

namespace Warp.Specs.Clients.Matrix;

/// <summary>The records that kcat prints, in a format that shows lengths before bytes.</summary>
internal static class KcatRecords
{
    /// <summary>For kcat's option -f: offset, timestamp, lengths of key and value (-1 for null), headers, key, value.</summary>
    public const string Format = "%o %T %K %S %h\\n%k%s\\n";

    /// <summary>Reads what kcat has printed in <see cref="Format"/>.</summary>
    public static List<MatrixRecord> Parse(ReadOnlySpan<byte> output)
    {
        var records = new List<MatrixRecord>();
        while (!output.IsEmpty)
        {
            int lineLength = output.IndexOf((byte)'\n');
            string[] fields = Encoding.UTF8.GetString(output[..lineLength]).Split(' ', 5);
            output = output[(lineLength + 1)..];
            byte[]? key = Take(ref output, fields[2]);
            byte[]? value = Take(ref output, fields[3]);
            output = output[1..]; // the end of the line
            records.Add(new(key, value, ParseHeaders(fields[4]), Number(fields[1]), Number(fields[0])));
        }
        return records;
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static byte[]? Take(ref ReadOnlySpan<byte> output, string length)
    {
        if (length == "-1")
            return null;
        byte[] field = output[..(int)Number(length)].ToArray();
        output = output[field.Length..];
        return field;
    }

    // As "a=1,b=2": no header of the checks has a comma or an equals sign in it.
    private static List<MatrixHeader> ParseHeaders(string text) =>
    [
        .. text.Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(each => each.Split('=', 2))
            .Select(each => MatrixHeader.Of(each[0], each[1])),
    ];
}

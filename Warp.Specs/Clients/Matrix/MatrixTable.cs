using System.Text;

namespace Warp.Specs.Clients.Matrix;

/// <summary>The matrix as Markdown: a row a check, a column a client.</summary>
internal static class MatrixTable
{
    /// <summary>Renders the results that are there.</summary>
    /// <param name="versions">Of the clients, in their order.</param>
    /// <param name="find">The result of a client's check, or null if it was not run.</param>
    public static string Render(IReadOnlyList<string> versions, Func<string, string, MatrixResult?> find)
    {
        var text = new StringBuilder();
        var clients = MatrixClients.All.Zip(versions, (client, version) => $"{client} {version}");
        text.Append($"| | {string.Join(" | ", clients)} |\n");
        text.Append($"| --- |{string.Concat(Enumerable.Repeat(" :-: |", MatrixClients.All.Count))}\n");
        foreach (string check in Enum.GetValues<MatrixArea>().SelectMany(ClientMatrix.ChecksOf))
            text.Append($"| {check} | {string.Join(" | ", MatrixClients.All.Select(client => Cell(client, check, find)))} |\n");

        text.Append("\n– : the client does not offer it.\n");
        foreach (string client in MatrixClients.All)
        {
            var gaps = Enum.GetValues<MatrixArea>().SelectMany(ClientMatrix.ChecksOf)
                .Select(check => (check, reason: ClientGaps.Find(client, check)))
                .Where(gap => gap.reason is not null)
                .GroupBy(gap => gap.reason, gap => gap.check)
                .Select(gaps => $"{string.Join(", ", gaps)} ({gaps.Key})")
                .ToList();
            if (gaps.Count > 0)
                text.Append($"- {client}: {string.Join("; ", gaps)}\n");
        }
        return text.ToString();
    }

    private static string Cell(string client, string check, Func<string, string, MatrixResult?> find)
    {
        if (ClientGaps.Find(client, check) is not null)
            return "–";
        return find(client, check) switch
        {
            null => "",
            { Failure: null } => "yes",
            _ => "**no**",
        };
    }
}

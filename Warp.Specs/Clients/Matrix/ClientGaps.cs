namespace Warp.Specs.Clients.Matrix;

/// <summary>What a client does not offer, whatever the broker: those cells of the matrix have a dash and a reason.</summary>
internal static class ClientGaps
{
    private static readonly (string Client, string Reason, string[] Checks)[] _gaps =
    [
        (MatrixClients.Confluent, "has no such call", ["list partition reassignments"]),
        (MatrixClients.Kcat, "takes its clock", [RecordChecks.Timestamps]),
        (MatrixClients.Kcat, "commits by itself only", ["manual commits"]),
        (MatrixClients.Kcat, "has no administration beyond lists of topics and brokers",
        [
            "create a topic", "error for a topic that exists", "create partitions", "describe configs", "alter configs",
            "alter configs incrementally", "delete records", "delete a topic", "elect leaders", "list partition reassignments",
            "committed offset and lag", "list groups", "describe a group", "list the offsets of a group", "set an offset of a group",
            "delete an offset of a group", "delete a group",
        ]),
        (MatrixClients.ConfluentPython, "has the call in later versions",
        [
            "alter configs incrementally", "delete records", "elect leaders", "list the offsets of a group", "set an offset of a group",
            "delete a group",
        ]),
        (MatrixClients.ConfluentPython, "has no such call", ["list partition reassignments", "delete an offset of a group"]),
        (MatrixClients.KafkaPython, "has it in later versions", ["idempotent producer", "delete records", "elect leaders"]),
        (MatrixClients.KafkaPython, "rebalances eagerly only", ["cooperative-sticky assignor"]),
        (MatrixClients.KafkaPython, "has no such call",
        [
            "static members", "alter configs incrementally", "list partition reassignments", "set an offset of a group",
            "delete an offset of a group",
        ]),
        (MatrixClients.KafkaJs, "has gzip and, by a plug-in, snappy; the plug-ins of the others are native code to compile",
            ["produce with lz4", "produce with zstd"]),
        (MatrixClients.KafkaJs, "rebalances eagerly only", ["cooperative-sticky assignor"]),
        (MatrixClients.KafkaJs, "has no such call",
            ["static members", "alter configs incrementally", "elect leaders", "delete an offset of a group"]),
    ];

    private static readonly Dictionary<(string Client, string Check), string> _reasons = _gaps
        .SelectMany(gap => gap.Checks.Select(check => (gap.Client, check, gap.Reason)))
        .ToDictionary(each => (each.Client, each.check), each => each.Reason);

    /// <summary>The names of the checks that some client cannot undergo.</summary>
    public static IEnumerable<string> Checks => _reasons.Keys.Select(key => key.Check).Distinct();

    /// <summary>Why the client cannot undergo the check, or null if it can.</summary>
    public static string? Find(string client, string check) => _reasons.GetValueOrDefault((client, check));
}

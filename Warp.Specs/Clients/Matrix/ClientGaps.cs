namespace Warp.Specs.Clients.Matrix;

/// <summary>What a client does not offer, whatever the broker: those cells of the matrix have a dash and a reason.</summary>
internal static class ClientGaps
{
    private static readonly Dictionary<(string Client, string Check), string> _reasons = new()
    {
        [(MatrixClients.Kcat, RecordChecks.Timestamps)] = "takes its clock",
        [(MatrixClients.Kcat, "create a topic")] = "has no administration",
        [(MatrixClients.Kcat, "error for a topic that exists")] = "has no administration",
        [(MatrixClients.Kcat, "create partitions")] = "has no administration",
        [(MatrixClients.Kcat, "describe configs")] = "has no administration",
        [(MatrixClients.Kcat, "alter configs")] = "has no administration",
        [(MatrixClients.Kcat, "alter configs incrementally")] = "has no administration",
        [(MatrixClients.Kcat, "delete records")] = "has no administration",
        [(MatrixClients.Kcat, "delete a topic")] = "has no administration",
        [(MatrixClients.ConfluentPython, "alter configs incrementally")] = "has the call from 2.2 on",
        [(MatrixClients.ConfluentPython, "delete records")] = "has the call from 2.4 on",
        [(MatrixClients.KafkaPython, "idempotent producer")] = "has none before 2.1",
        [(MatrixClients.KafkaPython, "alter configs incrementally")] = "has no such call",
        [(MatrixClients.KafkaPython, "delete records")] = "has the call from 2.1 on",
        [(MatrixClients.KafkaJs, "produce with lz4")] = "has gzip only; the plug-in for it is native code that must be compiled",
        [(MatrixClients.KafkaJs, "produce with zstd")] = "has gzip only; the plug-in for it is native code that must be compiled",
        [(MatrixClients.KafkaJs, "alter configs incrementally")] = "has no such call",
        [(MatrixClients.Kcat, "manual commits")] = "commits by itself only",
        [(MatrixClients.Kcat, "committed offset and lag")] = "has no such call",
        [(MatrixClients.Kcat, "list groups")] = "has no administration",
        [(MatrixClients.Kcat, "describe a group")] = "has no administration",
        [(MatrixClients.Kcat, "list the offsets of a group")] = "has no administration",
        [(MatrixClients.Kcat, "delete a group")] = "has no administration",
        [(MatrixClients.ConfluentPython, "list the offsets of a group")] = "has the call from 2.0 on",
        [(MatrixClients.ConfluentPython, "delete a group")] = "has the call from 2.0 on",
        [(MatrixClients.KafkaPython, "cooperative-sticky assignor")] = "rebalances eagerly only",
        [(MatrixClients.KafkaPython, "static members")] = "has none",
        [(MatrixClients.KafkaJs, "cooperative-sticky assignor")] = "rebalances eagerly only",
        [(MatrixClients.KafkaJs, "static members")] = "has none",
    };

    /// <summary>The names of the checks that some client cannot undergo.</summary>
    public static IEnumerable<string> Checks => _reasons.Keys.Select(key => key.Check).Distinct();

    /// <summary>Why the client cannot undergo the check, or null if it can.</summary>
    public static string? Find(string client, string check) => _reasons.GetValueOrDefault((client, check));
}

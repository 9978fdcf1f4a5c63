namespace Warp.Specs.Clients.Matrix;

/// <summary>The clients of the matrix.</summary>
internal static class MatrixClients
{
    public const string Confluent = "Confluent.Kafka";
    public const string Kcat = "kcat";
    public const string ConfluentPython = "confluent-kafka-python";
    public const string KafkaPython = "kafka-python";
    public const string KafkaJs = "kafkajs";

    // Not the first python3 of the path: Debian's packages are seen by Debian's Python.
    private const string DebianPython = "/usr/bin/python3";

    public static IReadOnlyList<string> All { get; } = [Confluent, Kcat, ConfluentPython, KafkaPython, KafkaJs];

    /// <summary>A driver of the client.</summary>
    public static IClientDriver Start(string client, string bootstrap) => client switch
    {
        Confluent => new ConfluentDriver(bootstrap),
        Kcat => new KcatDriver(bootstrap),
        ConfluentPython => new ScriptDriver(DebianPython, "confluent_driver.py", bootstrap),
        KafkaPython => new ScriptDriver(DebianPython, "kafka_python_driver.py", bootstrap),
        KafkaJs => new ScriptDriver("node", "kafkajs_driver.js", bootstrap),
        _ => throw new ArgumentOutOfRangeException(nameof(client), client, null),
    };
}

using Confluent.Kafka;

namespace Warp.Specs.Chaos;

/// <summary>Reads what a history has left in a topic.</summary>
public static class LogReader
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    /// <summary>Every record of every partition, each partition in its order.</summary>
    /// <exception cref="TimeoutException">No record and no end of a partition has come for 30 s.</exception>
    public static List<ReadRecord> ReadAll(string bootstrap, string topic, int partitions, CancellationToken cancellation)
    {
        using var consumer = new ConsumerBuilder<Null, string>(new ConsumerConfig
        {
            BootstrapServers = bootstrap,
            GroupId = "history", // the client wants one; no group is joined
            EnableAutoCommit = false,
            EnablePartitionEof = true,
            CheckCrcs = true,
        }).SetLogHandler((_, _) => { }).Build();
        consumer.Assign(Enumerable.Range(0, partitions).Select(partition => new TopicPartitionOffset(topic, partition, Offset.Beginning)));

        var records = new List<ReadRecord>();
        for (var ended = new HashSet<int>(); ended.Count < partitions;)
        {
            cancellation.ThrowIfCancellationRequested();
            var result = consumer.Consume(_patience)
                ?? throw new TimeoutException($"nothing came for {_patience.TotalSeconds} s, after {records.Count} records");
            if (result.IsPartitionEOF)
                ended.Add(result.Partition);
            else
                records.Add(new ReadRecord(result.Partition, result.Offset, HistoryValue.Parse(result.Message.Value)));
        }
        return records;
    }
}

using System.Diagnostics;
using Confluent.Kafka;
using Warp.Bench.Scenarios;

namespace Warp.Bench.Yardsticks;

/// <summary>What <see cref="ClientLoad"/> does.</summary>
public sealed record ClientPlan
{
    /// <summary>What the names of its topics begin with; each client has topics of its own.</summary>
    public string Topic { get; init; } = "client";

    public int RecordBytes { get; init; } = 1024;

    /// <summary>Whether the producer is idempotent, as the newer clients are by default.</summary>
    public bool Idempotent { get; init; }

    /// <summary>How long records are produced; 0 for not at all, but for those that are consumed.</summary>
    public TimeSpan ProduceFor { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long records are consumed, at least; 0 for not at all.</summary>
    public TimeSpan ConsumeFor { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The client's own settings beyond its defaults, for producer and consumer.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}

/// <summary>MB of values a second, and how many records were lost on the way.</summary>
public sealed record ClientResult(double ProducedMegabytes, double ConsumedMegabytes, long Failed);

/// <summary>
/// One Confluent.Kafka producer, then one consumer, with the client's default settings: against a broker, or against librdkafka's own mock
/// broker, which lives in the memory of this process and is the fastest broker that this client can meet.
/// </summary>
public static class ClientLoad
{
    private const string MockBrokers = "test.mock.num.brokers";

    /// <summary>As many partitions as the mock broker gives a topic.</summary>
    public const int Partitions = 4;

    /// <summary>
    /// The mock broker keeps the last 5 MiB of a partition. So the records that are consumed lie in this many topics, 4 MiB in each
    /// partition: enough (134 MB) that the start of a pass over all of them is a small part of it.
    /// </summary>
    private const int ConsumedTopics = 8;

    /// <inheritdoc cref="ConsumedTopics"/>
    private const int ConsumedBytes = 4 << 20;

    /// <summary>
    /// The median of so many passes counts, or of more. When the client has more than 64 MiB in its queue it fetches nothing for a second
    /// (<c>fetch.queue.backoff.ms</c>), which happens in a pass now and then if the broker is quick.
    /// </summary>
    private const int FewestPasses = 9;

    /// <summary>
    /// The client's queue takes 100,000 records and throws an exception at each that is more, which costs more than to send it. So who
    /// produces waits a little before.
    /// </summary>
    private const int MostOutstanding = 90_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>The topics that a broker must have, with <see cref="Partitions"/> partitions each.</summary>
    public static string[] Topics(ClientPlan plan) =>
        [plan.Topic, .. ConsumedPartitions(plan).Select(static partition => partition.Topic).Distinct()];

    /// <summary>Measures a client against the mock broker.</summary>
    public static ClientResult RunAgainstMock(ClientPlan plan) => Run(plan, null);

    /// <summary>Measures a client against a broker that has the topics.</summary>
    /// <param name="plan">What to do.</param>
    /// <param name="bootstrap">Its address.</param>
    public static ClientResult RunAgainst(ClientPlan plan, string bootstrap) => Run(plan, bootstrap);

    private static IEnumerable<TopicPartition> ConsumedPartitions(ClientPlan plan) =>
        from topic in Enumerable.Range(0, ConsumedTopics)
        from partition in Enumerable.Range(0, Partitions)
        select new TopicPartition($"{plan.Topic}-consumed-{topic}", partition);

    private static ClientResult Run(ClientPlan plan, string? bootstrap)
    {
        var config = new ProducerConfig(new Dictionary<string, string>(plan.Settings))
        {
            BootstrapServers = bootstrap ?? "mock",
            Acks = Acks.All,
            EnableIdempotence = plan.Idempotent,
        };
        if (bootstrap is null)
            config.Set(MockBrokers, "1");
        long failed = 0;
        using IProducer<Null, byte[]> producer = new ProducerBuilder<Null, byte[]>(config).SetLogHandler(static (_, _) => { }).Build();
        var value = new byte[plan.RecordBytes];
        Random.Shared.NextBytes(value);
        double produced = plan.ProduceFor > TimeSpan.Zero ? Produce(producer, plan, value, ref failed) : 0;
        double consumed = 0;
        if (plan.ConsumeFor > TimeSpan.Zero)
        {
            long records = Fill(producer, plan, value, ref failed);
            consumed = Consume(plan, records, bootstrap ?? AddressOf(producer));
        }
        return new ClientResult(produced, consumed, failed);
    }

    private static double Produce(IProducer<Null, byte[]> producer, ClientPlan plan, byte[] value, ref long failed)
    {
        var reports = new Reports();
        var message = new Message<Null, byte[]> { Value = value };
        var anywhere = new TopicPartition(plan.Topic, Partition.Any);
        // The topic, the connections and the client's own code, before the clock runs.
        for (int i = 0; i < 1000; i++)
            Send(producer, anywhere, message, reports);
        producer.Flush(s_patience);
        long warmedUp = reports.Acknowledged;
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < plan.ProduceFor)
        {
            for (int i = 0; i < 100; i++)
                Send(producer, anywhere, message, reports);
        }
        producer.Flush(s_patience);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        failed += reports.Failed;
        return (reports.Acknowledged - warmedUp) * (double)value.Length / 1e6 / seconds;
    }

    private static long Fill(IProducer<Null, byte[]> producer, ClientPlan plan, byte[] value, ref long failed)
    {
        var reports = new Reports();
        var message = new Message<Null, byte[]> { Value = value };
        TopicPartition[] partitions = [.. ConsumedPartitions(plan)];
        for (int bytes = 0; bytes < ConsumedBytes; bytes += value.Length)
        {
            foreach (TopicPartition partition in partitions)
                Send(producer, partition, message, reports);
        }
        producer.Flush(s_patience);
        failed += reports.Failed;
        return reports.Acknowledged;
    }

    private static void Send(IProducer<Null, byte[]> producer, TopicPartition to, Message<Null, byte[]> message, Reports reports)
    {
        while (reports.Outstanding >= MostOutstanding)
            Thread.Sleep(1);
        reports.Sent++;
        producer.Produce(to, message, reports.Handle);
    }

    private static double Consume(ClientPlan plan, long records, string bootstrap)
    {
        var config = new ConsumerConfig(new Dictionary<string, string>(plan.Settings))
        {
            BootstrapServers = bootstrap,
            GroupId = "warp-bench",
            EnableAutoCommit = false,
        };
        using IConsumer<Ignore, byte[]> consumer =
            new ConsumerBuilder<Ignore, byte[]>(config).SetLogHandler(static (_, _) => { }).Build();
        // The first pass makes the connections and reads the code; it does not count.
        ReadPass(consumer, plan, records);
        var rates = new List<double>();
        for (TimeSpan reading = TimeSpan.Zero; reading < plan.ConsumeFor || rates.Count < FewestPasses;)
        {
            (long bytes, TimeSpan time) = ReadPass(consumer, plan, records);
            rates.Add(bytes / 1e6 / time.TotalSeconds);
            reading += time;
        }
        consumer.Close();
        return Median.Of(rates);
    }

    /// <summary>Reads everything. The time counts from the first record, so that finding leaders and offsets does not.</summary>
    private static (long Bytes, TimeSpan Time) ReadPass(IConsumer<Ignore, byte[]> consumer, ClientPlan plan, long records)
    {
        consumer.Assign(ConsumedPartitions(plan).Select(static partition => new TopicPartitionOffset(partition, Offset.Beginning)));
        _ = Next();
        long started = Stopwatch.GetTimestamp();
        long bytes = 0;
        for (long read = 1; read < records; read++)
            bytes += Next().Message.Value.Length;
        TimeSpan time = Stopwatch.GetElapsedTime(started);
        consumer.Unassign();
        return (bytes, time);

        ConsumeResult<Ignore, byte[]> Next() => consumer.Consume(s_patience) ?? throw new TimeoutException("the records did not come");
    }

    private static string AddressOf(IProducer<Null, byte[]> producer)
    {
        using IAdminClient admin = new DependentAdminClientBuilder(producer.Handle).Build();
        BrokerMetadata broker = admin.GetMetadata(s_patience).Brokers[0];
        return $"{broker.Host}:{broker.Port}";
    }

    /// <summary>Counts delivery reports, which come on the client's own thread and on that of who flushes.</summary>
    private sealed class Reports
    {
        private long _acknowledged;
        private long _failed;

        public Reports() => Handle = report =>
        {
            if (report.Error.IsError)
                Interlocked.Increment(ref _failed);
            else
                Interlocked.Increment(ref _acknowledged);
        };

        public Action<DeliveryReport<Null, byte[]>> Handle { get; }

        /// <summary>Counted by who sends.</summary>
        public long Sent { get; set; }

        public long Acknowledged => Volatile.Read(ref _acknowledged);

        public long Failed => Volatile.Read(ref _failed);

        /// <summary>Records without a report.</summary>
        public long Outstanding => Sent - Acknowledged - Failed;
    }
}

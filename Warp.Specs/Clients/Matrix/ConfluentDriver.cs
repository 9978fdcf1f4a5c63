using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Warp.Specs.Clients.Matrix;

/// <summary>Drives Confluent.Kafka, and with it the newest librdkafka; the one client that runs in the process of the tests.</summary>
public sealed partial class ConfluentDriver : IClientDriver
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(20);

    private readonly string _bootstrap;
    private readonly IAdminClient _admin;

    public ConfluentDriver(string bootstrap)
    {
        _bootstrap = bootstrap;
        _admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).SetLogHandler((_, _) => { }).Build();
    }

    public Task<string> VersionAsync(CancellationToken cancellation)
    {
        var package = typeof(IAdminClient).Assembly.GetName().Version!;
        return Task.FromResult($"{package.ToString(3)} (librdkafka {Library.VersionString})");
    }

    public Task ProduceAsync(ProduceCall call, CancellationToken cancellation) => CallAsync(async () =>
    {
        var config = new ProducerConfig
        {
            BootstrapServers = _bootstrap,
            CompressionType = Enum.Parse<CompressionType>(call.Codec, ignoreCase: true),
            Acks = (Acks)call.Acks,
            EnableIdempotence = call.Idempotent,
            LingerMs = 10,
            MessageTimeoutMs = (int)_timeout.TotalMilliseconds,
        };
        using var producer = new ProducerBuilder<byte[]?, byte[]?>(config).SetLogHandler((_, _) => { }).Build();
        var where = new TopicPartition(call.Topic, call.Partition ?? Partition.Any);
        await Task.WhenAll(call.Records.Select(record => producer.ProduceAsync(where, ToMessage(record), cancellation)));
    });

    public Task<IReadOnlyList<IReadOnlyList<MatrixRecord>>> ReadAsync(
        string topic, int partition, IReadOnlyList<string> positions, CancellationToken cancellation) => CallAsync(() =>
    {
        using var consumer = BuildConsumer(new ConsumerConfig { GroupId = "reader", EnablePartitionEof = true });
        using (var admin = new DependentAdminClientBuilder(consumer.Handle).Build())
            admin.GetMetadata(topic, _timeout); // what is assigned before its leader is known waits half a second
        var runs = new List<IReadOnlyList<MatrixRecord>>();
        foreach (string position in positions)
        {
            var start = new TopicPartitionOffset(topic, partition, OffsetOf(consumer, topic, partition, position));
            if (runs.Count == 0)
                consumer.Assign(start);
            else
                consumer.Seek(start);
            runs.Add(ReadToEnd(consumer, cancellation));
        }
        consumer.Close();
        return Task.FromResult<IReadOnlyList<IReadOnlyList<MatrixRecord>>>(runs);
    });

    public Task<WatermarksAnswer> WatermarksAsync(string topic, int partition, CancellationToken cancellation) => CallAsync(() =>
    {
        using var consumer = BuildConsumer(new ConsumerConfig { GroupId = "watermarks" });
        var found = consumer.QueryWatermarkOffsets(new(topic, partition), _timeout);
        return Task.FromResult(new WatermarksAnswer(found.Low, found.High));
    });

    public Task<long> OffsetForTimeAsync(string topic, int partition, long timestampMs, CancellationToken cancellation) => CallAsync(() =>
    {
        using var consumer = BuildConsumer(new ConsumerConfig { GroupId = "times" });
        return Task.FromResult(OffsetOf(consumer, topic, partition, $"time:{timestampMs}").Value);
    });

    public ValueTask DisposeAsync()
    {
        foreach (var member in _members.Values)
            member.Dispose();
        _admin.Dispose();
        return ValueTask.CompletedTask;
    }

    // The client blocks its callers: each call gets a thread of its own, lest those of the pool run out.
    private static Task<T> CallAsync<T>(Func<Task<T>> call) => Task.Factory.StartNew(
        () => TranslateErrorsAsync(call), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();

    private static async Task<T> TranslateErrorsAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception failure) when (CodeOf(failure) is { } code)
        {
            throw new ClientCallException(code > 0 ? (int)code : null, failure.Message);
        }
    }

    private static Task CallAsync(Func<Task> call) => CallAsync(async () =>
    {
        await call();
        return true;
    });

    private static ErrorCode? CodeOf(Exception failure) => failure switch
    {
        CreateTopicsException exception => exception.Results[0].Error.Code,
        CreatePartitionsException exception => exception.Results[0].Error.Code,
        DeleteTopicsException exception => exception.Results[0].Error.Code,
        DescribeConfigsException exception => exception.Results[0].Error.Code,
        AlterConfigsException exception => exception.Results[0].Error.Code,
        IncrementalAlterConfigsException exception => exception.Results[0].Error.Code,
        DeleteRecordsException exception => exception.Results[0].Error.Code,
        ElectLeadersException exception => exception.Results.TopicPartitions[0].Error.Code,
        AlterConsumerGroupOffsetsException exception => exception.Results[0].Error.Code,
        DeleteConsumerGroupOffsetsException exception => exception.Result.Error.Code,
        DeleteGroupsException exception => exception.Results[0].Error.Code,
        KafkaException exception => exception.Error.Code,
        _ => null,
    };

    private IConsumer<byte[]?, byte[]?> BuildConsumer(ConsumerConfig config) => Build(config, static _ => { });

    private IConsumer<byte[]?, byte[]?> Build(ConsumerConfig config, Action<ConsumerBuilder<byte[]?, byte[]?>> configure)
    {
        config.BootstrapServers = _bootstrap;
        config.EnableAutoCommit ??= false;
        config.CheckCrcs = true;
        config.FetchWaitMaxMs = 100;
        var builder = new ConsumerBuilder<byte[]?, byte[]?>(config).SetLogHandler((_, _) => { });
        configure(builder);
        return builder.Build();
    }

    private static Offset OffsetOf(IConsumer<byte[]?, byte[]?> consumer, string topic, int partition, string position)
    {
        switch (position.Split(':'))
        {
            case ["beginning"]:
                return Offset.Beginning;
            case ["end"]:
                return Offset.End;
            case ["time", var time]:
                var timestamp = new Timestamp(long.Parse(time), TimestampType.CreateTime);
                return consumer.OffsetsForTimes([new(topic, partition, timestamp)], _timeout)[0].Offset;
            default:
                return long.Parse(position);
        }
    }

    private static List<MatrixRecord> ReadToEnd(IConsumer<byte[]?, byte[]?> consumer, CancellationToken cancellation)
    {
        var records = new List<MatrixRecord>();
        for (var result = consumer.Consume(cancellation); !result.IsPartitionEOF; result = consumer.Consume(cancellation))
        {
            var headers = result.Message.Headers.Select(header => new MatrixHeader(header.Key, header.GetValueBytes()));
            records.Add(new(
                result.Message.Key, result.Message.Value, [.. headers], result.Message.Timestamp.UnixTimestampMs, result.Offset));
        }
        return records;
    }

    private static Message<byte[]?, byte[]?> ToMessage(MatrixRecord record)
    {
        var headers = new Headers();
        foreach (var header in record.Headers)
            headers.Add(header.Name, header.Value);
        return new()
        {
            Key = record.Key,
            Value = record.Value,
            Headers = headers,
            Timestamp = record.TimestampMs is { } time ? new Timestamp(time, TimestampType.CreateTime) : Timestamp.Default,
        };
    }
}

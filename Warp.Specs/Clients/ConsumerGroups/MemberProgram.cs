using Confluent.Kafka;

namespace Warp.Specs.Clients.ConsumerGroups;

/// <summary>
/// A consumer of a group as a process of its own: <c>member TOPIC name=value…</c>. It says on standard output, a line each, what it is
/// assigned (<c>+ 0 1</c>), what is taken from it (<c>- 0 1</c>), what it finds
/// that others have by now (<c>! 0 1</c>), what it has processed (<c>r PARTITION OFFSET</c>) and what went wrong
/// (<c>e text</c>). An offset counts as processed only once its line is out. It leaves in good order on the line <c>close</c>, and ends
/// when its standard input does.
/// </summary>
internal static class MemberProgram
{
    public const string Name = "member";

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    public static int Run(string[] args)
    {
        var settings = args.Skip(1).Select(static arg => arg.Split('=', 2)).ToDictionary(static pair => pair[0], static pair => pair[1]);
        using TextWriter output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        Task<string?> command = Task.Run(Console.In.ReadLine);
        using IConsumer<Ignore, Ignore> consumer = new ConsumerBuilder<Ignore, Ignore>(settings)
            .SetLogHandler(static (_, _) => { })
            .SetErrorHandler(static (_, _) => { })
            .SetPartitionsAssignedHandler((_, partitions) => Say('+', partitions))
            .SetPartitionsRevokedHandler((_, partitions) => Say('-', partitions.Select(static entry => entry.TopicPartition)))
            .SetPartitionsLostHandler((_, partitions) => Say('!', partitions.Select(static entry => entry.TopicPartition)))
            .Build();
        consumer.Subscribe(args[0]);
        while (!command.IsCompleted)
        {
            try
            {
                if (consumer.Consume(s_poll) is not { } record)
                    continue;
                output.WriteLine($"r {record.Partition.Value} {record.Offset.Value}");
                consumer.StoreOffset(record);
            }
            catch (ConsumeException error)
            {
                output.WriteLine($"e {error.Error}");
            }
            catch (KafkaException error) when (error.Error.Code == ErrorCode.Local_State)
            {
                // The partition went to somebody else while the record was processed.
            }
        }
        if (command.Result == "close")
            consumer.Close();
        return 0;

        void Say(char what, IEnumerable<TopicPartition> partitions) =>
            output.WriteLine($"{what} {string.Join(' ', partitions.Select(static entry => entry.Partition.Value))}");
    }
}

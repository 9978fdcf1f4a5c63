using System.Buffers.Binary;
using System.Text;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Protocol.Messages;

namespace Warp.Specs.Scenarios;

/// <summary>
/// Makes frames of every API that a node advertises, and damages them. Half of them begin as requests about a real topic, so that the
/// damage gets far; the others hold random values in every field. The same random source gives the same frames. Not thread-safe.
/// </summary>
/// <param name="random">The source of everything.</param>
/// <param name="served">The versions of each API.</param>
/// <param name="topic">A topic that may come to harm.</param>
/// <param name="topicId">Its id.</param>
internal sealed class HostileFrames(
    Random random, IReadOnlyDictionary<ApiKey, (short Min, short Max)> served, string topic, Guid topicId)
{
    private const int RandomFramesOfEach = 5;

    private readonly ApiKey[] _apis = [.. served.Keys.Order()];
    private readonly Dictionary<(ApiKey, short), byte[][]> _randomFrames = Randomly(random, served);

    /// <summary>The next frame, its length first.</summary>
    public byte[] Next()
    {
        ApiKey api = _apis[random.Next(_apis.Length)];
        (short min, short max) = served[api];
        short version = (short)random.Next(min, max + 1);
        byte[] frame = Write(api, version);
        for (int times = random.Next(3); times > 0; times--)
            frame = Damage(frame);
        return frame;
    }

    private byte[] Write(ApiKey api, short version)
    {
        if (random.Next(2) == 0 && Realistic(api, version) is { } request)
        {
            try
            {
                return Frame(request, version);
            }
            catch (NotSupportedException)
            {
                // This version cannot carry what the request says.
            }
        }
        return [.. _randomFrames[(api, version)][random.Next(RandomFramesOfEach)]];
    }

    private static Dictionary<(ApiKey, short), byte[][]> Randomly(Random random, IReadOnlyDictionary<ApiKey, (short Min, short Max)> served)
    {
        var messages = new RandomMessages(random);
        var frames = new Dictionary<(ApiKey, short), byte[][]>();
        foreach ((ApiKey api, (short min, short max)) in served.OrderBy(static entry => entry.Key))
        {
            for (short version = min; version <= max; version++)
            {
                frames[(api, version)] = [.. Enumerable.Range(0, RandomFramesOfEach).Select(
                    _ => Frame((IRequest)messages.Make(ApiSpecs.Get(api), true, version).Message, version))];
            }
        }
        return frames;
    }

    private static byte[] Frame(IRequest request, short version)
    {
        using OutgoingFrame frame = RequestFrame.Write(7, "hostile", request, version);
        return frame.ToArray();
    }

    private IRequest? Realistic(ApiKey api, short version) => api switch
    {
        ApiKey.Produce => new ProduceRequest
        {
            Acks = (short)(random.Next(8) == 0 ? 0 : -1),
            TimeoutMs = 1000,
            TopicData =
            [
                new()
                {
                    Name = topic,
                    TopicId = version >= 13 ? topicId : default,
                    PartitionData = [new() { Index = Partition, Records = Batch() }],
                },
            ],
        },
        ApiKey.Fetch => new FetchRequest
        {
            MaxWaitMs = random.Next(100),
            MinBytes = random.Next(2),
            MaxBytes = 1 << 20,
            Topics =
            [
                new()
                {
                    Topic = topic,
                    TopicId = version >= 13 ? topicId : default,
                    Partitions = [new() { Partition = Partition, FetchOffset = random.Next(100), PartitionMaxBytes = 1 << 16 }],
                },
            ],
        },
        ApiKey.ListOffsets => new ListOffsetsRequest
        {
            ReplicaId = -1,
            Topics = [new() { Name = topic, Partitions = [new() { PartitionIndex = Partition, Timestamp = random.Next(-6, 3) }] }],
        },
        ApiKey.Metadata => new MetadataRequest
        {
            Topics = random.Next(4) == 0 && version >= 1 ? null : [new() { Name = topic }],
            AllowAutoTopicCreation = version < 4 || random.Next(2) == 0,
        },
        ApiKey.CreateTopics => new CreateTopicsRequest
        {
            Topics =
            [
                new()
                {
                    Name = $"{topic}-{random.Next(100)}",
                    NumPartitions = random.Next(1, 5),
                    ReplicationFactor = 3,
                    Configs = [new() { Name = "cleanup.policy", Value = random.Next(2) == 0 ? "compact" : "delete" }],
                },
            ],
            TimeoutMs = 1000,
        },
        ApiKey.DeleteTopics => version >= 6
            ? new DeleteTopicsRequest { Topics = [new() { Name = $"{topic}-{random.Next(100)}" }], TimeoutMs = 1000 }
            : new DeleteTopicsRequest { TopicNames = [$"{topic}-{random.Next(100)}"], TimeoutMs = 1000 },
        ApiKey.CreatePartitions => new CreatePartitionsRequest
        {
            Topics = [new() { Name = $"{topic}-{random.Next(100)}", Count = random.Next(1, 8), Assignments = null }],
            TimeoutMs = 1000,
        },
        ApiKey.DeleteRecords => new DeleteRecordsRequest
        {
            Topics = [new() { Name = topic, Partitions = [new() { PartitionIndex = Partition, Offset = random.Next(-1, 10) }] }],
            TimeoutMs = 1000,
        },
        ApiKey.OffsetForLeaderEpoch => new OffsetForLeaderEpochRequest
        {
            Topics = [new() { Topic = topic, Partitions = [new() { Partition = Partition, LeaderEpoch = random.Next(3) }] }],
        },
        ApiKey.DescribeConfigs => new DescribeConfigsRequest
        {
            Resources = [new() { ResourceType = 2, ResourceName = topic, ConfigurationKeys = null }],
        },
        ApiKey.AlterConfigs => new AlterConfigsRequest
        {
            Resources =
            [
                new() { ResourceType = 2, ResourceName = topic, Configs = [new() { Name = "retention.ms", Value = "1000000000" }] },
            ],
        },
        ApiKey.IncrementalAlterConfigs => new IncrementalAlterConfigsRequest
        {
            Resources =
            [
                new()
                {
                    ResourceType = 2,
                    ResourceName = topic,
                    Configs = [new() { Name = "cleanup.policy", ConfigOperation = 2, Value = "compact" }],
                },
            ],
        },
        ApiKey.DescribeTopicPartitions => new DescribeTopicPartitionsRequest { Topics = [new() { Name = topic }] },
        _ => null,
    };

    private int Partition => random.Next(3);

    /// <summary>A record batch, often with other bytes in it than a producer would put there, and still the right checksum.</summary>
    private RecordSet Batch()
    {
        var builder = new RecordBatchBuilder
        {
            Codec = (Warp.Protocol.Compression.CompressionType)random.Next(5),
            ProducerId = random.Next(3) == 0 ? random.Next(4) : -1,
            ProducerEpoch = 0,
            BaseSequence = random.Next(4),
        };
        for (int records = random.Next(1, 4); records > 0; records--)
        {
            byte[]? key = random.Next(2) == 0 ? null : "key"u8.ToArray();
            builder.Append(random.Next(1000), key, Encoding.ASCII.GetBytes(new string('v', random.Next(50))));
        }
        byte[] batch = builder.Build();
        if (random.Next(2) == 0)
        {
            batch[random.Next(RecordBatchHeader.AttributesOffset, batch.Length)] = (byte)random.Next(256);
            RecordBatchHeader.SetCrc(batch);
        }
        return new RecordSet(batch);
    }

    private byte[] Damage(byte[] frame)
    {
        // Mostly behind the length: a wrong length says little about what is behind it.
        int at = random.Next(random.Next(8) == 0 ? 0 : Math.Min(4, frame.Length - 1), frame.Length);
        switch (random.Next(10))
        {
            case 0:
                frame[at] ^= (byte)(1 << random.Next(8));
                return frame;
            case 1:
                frame[at] = (byte)random.Next(256);
                return frame;
            case 2:
                frame.AsSpan(at, Math.Min(frame.Length - at, random.Next(1, 5))).Fill((byte)(random.Next(2) * 0xff));
                return frame;
            case 3: // a piece cut out, the length put right
                return WithLength([.. frame[..at], .. frame[random.Next(at, frame.Length)..]]);
            case 4: // a piece doubled, the length put right
                return WithLength([.. frame[..at], .. frame[random.Next(at)..]]);
            case 5: // the end cut off, but the length left: more must come
                return frame[..Math.Max(at, 1)];
            case 6: // the frame twice
                return frame.Length < 10_000 ? [.. frame, .. frame] : frame;
            default: // another number, which most often leaves the frame readable
                frame.AsSpan(Math.Max(at, frame.Length - 12))[..1].Fill((byte)random.Next(256));
                return frame;
        }
    }

    private static byte[] WithLength(byte[] frame)
    {
        if (frame.Length >= 4)
            BinaryPrimitives.WriteInt32BigEndian(frame, frame.Length - 4);
        return frame;
    }
}

using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster;
using Warp.Actors.Sequencing;
using Warp.Protocol.Compression;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Produce;

public sealed class ProduceIntakeSpec
{
    private const int BatchAt = 37;

    private readonly ManualTime _time = new();
    private readonly SampleBatches _buffers = new();
    private readonly ProduceIntake _intake;

    public ProduceIntakeSpec() => _intake = new ProduceIntake(new ClusterClock(_time));

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    public static TheoryData<CompressionType> EveryCodec => [.. Enum.GetValues<CompressionType>()];

    [Fact]
    public void A_batch_is_taken_as_it_is_and_keeps_its_buffer_until_its_bytes_are_released()
    {
        byte[] sent = new RecordBatchBuilder { ProducerId = 7, ProducerEpoch = 3, BaseSequence = 100 }
            .Append(Now - 5, null, [1]).Append(Now, null, [2]).Append(Now - 9, null, [3]).Build();

        IntakeResult result = Accept(sent, partition: 4, out PooledBuffer frame);

        Assert.Equal((ErrorCode.None, -1L), (result.Error, result.LogAppendTimeMs));
        PendingBatch batch = result.Batch!;
        Assert.Equal(new TopicPartition(Topic().Id, 4), batch.Partition);
        Assert.Equal((3, Now), (batch.OffsetCount, batch.MaxTimestamp));
        Assert.Equal((7L, (short)3, 100), (batch.ProducerId, batch.ProducerEpoch, batch.BaseSequence));
        frame.Release();
        Assert.Equal(1, _buffers.Live);
        Assert.True(batch.Bytes.Span.SequenceEqual(sent));
        Assert.False(batch.Answer.IsCompleted);
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void LogAppendTime_stamps_the_batch_and_its_checksum(CompressionType codec)
    {
        byte[] sent = new RecordBatchBuilder { Codec = codec }.Append(5, null, [1]).Append(6, null, [2]).Build();

        IntakeResult result = Accept(sent, config: ("message.timestamp.type", "LogAppendTime"));

        Assert.Equal((ErrorCode.None, Now), (result.Error, result.LogAppendTimeMs));
        RecordBatchHeader header = ValidHeader(result.Batch!);
        Assert.Equal((TimestampType.LogAppendTime, Now, Now), (header.TimestampType, header.MaxTimestamp, result.Batch!.MaxTimestamp));
        Assert.All(LogEntry.Of(new RecordBatch(header, result.Batch.Bytes)), entry => Assert.Equal(Now, entry.Timestamp));
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void A_missing_max_timestamp_is_found_in_the_records(CompressionType codec)
    {
        byte[] sent = new RecordBatchBuilder { Codec = codec }
            .Append(Now - 9, null, [1]).Append(Now - 2, null, [2]).Append(Now - 5, null, [3]).Build();
        RecordBatchHeader.SetMaxTimestamp(sent, -1);

        IntakeResult result = Accept(sent);

        Assert.Equal((ErrorCode.None, -1L), (result.Error, result.LogAppendTimeMs));
        Assert.Equal((Now - 2, Now - 2), (ValidHeader(result.Batch!).MaxTimestamp, result.Batch!.MaxTimestamp));
    }

    [Fact]
    public void Records_without_timestamps_stay_without()
    {
        byte[] sent = new RecordBatchBuilder().Append(-1, null, [1]).Build();
        IntakeResult result = Accept(sent);
        Assert.Equal((ErrorCode.None, -1L), (result.Error, result.Batch!.MaxTimestamp));
        Assert.True(result.Batch.Bytes.Span.SequenceEqual(sent));
    }

    [Fact]
    public void A_max_timestamp_that_is_missing_does_not_hide_records_of_a_time_that_is_not_allowed()
    {
        byte[] sent = new RecordBatchBuilder().Append(Now, null, [1]).Append(Now + 7_200_000, null, [2]).Build();
        RecordBatchHeader.SetMaxTimestamp(sent, -1);
        IntakeResult result = Accept(sent, config: ("message.timestamp.after.max.ms", "3600000"));
        Refused(ErrorCode.InvalidTimestamp, result);
    }

    [Fact]
    public void Damaged_records_without_a_max_timestamp_are_refused()
    {
        byte[] sent = new RecordBatchBuilder { Codec = CompressionType.Gzip }.Append(Now, null, [1]).Build();
        sent.AsSpan(RecordBatchHeader.Size + 2).Fill(0xEE);
        RecordBatchHeader.SetMaxTimestamp(sent, -1);
        Refused(ErrorCode.InvalidRecord, Accept(sent));
    }

    [Fact]
    public void The_topics_limit_of_the_batch_size_holds_to_the_byte()
    {
        byte[] sent = new RecordBatchBuilder().Append(Now, null, new byte[500]).Build();
        Assert.Equal(ErrorCode.None, Accept(sent, config: ("max.message.bytes", $"{sent.Length}")).Error);
        Refused(ErrorCode.MessageTooLarge, Accept(sent, config: ("max.message.bytes", $"{sent.Length - 1}")));
    }

    [Theory]
    [InlineData(3_600_000, ErrorCode.None)]
    [InlineData(3_600_001, ErrorCode.InvalidTimestamp)]
    [InlineData(-60_000, ErrorCode.None)]
    [InlineData(-60_001, ErrorCode.InvalidTimestamp)]
    public void Timestamps_are_held_against_the_clock(long ahead, ErrorCode expected)
    {
        byte[] sent = new RecordBatchBuilder().Append(Now + ahead, null, [1]).Build();
        IntakeResult result = Accept(sent, 0, ("message.timestamp.before.max.ms", "60000"), ("message.timestamp.after.max.ms", "3600000"));
        Assert.Equal(expected, result.Error);
    }

    [Fact]
    public void With_LogAppendTime_the_clients_times_do_not_matter()
    {
        byte[] sent = new RecordBatchBuilder().Append(long.MaxValue, null, [1]).Build();
        IntakeResult result = Accept(
            sent,
            0,
            ("message.timestamp.type", "LogAppendTime"), ("message.timestamp.before.max.ms", "0"), ("message.timestamp.after.max.ms", "0"));
        Assert.Equal(ErrorCode.None, result.Error);
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void A_compacted_topic_names_the_records_that_have_no_key(CompressionType codec)
    {
        byte[] sent = new RecordBatchBuilder { Codec = codec }
            .Append(Now, [1], [1]).Append(Now, null, [2]).Append(Now, [], [3]).Append(Now, null, [4]).Build();
        IntakeResult result = Accept(sent, config: ("cleanup.policy", "compact"));
        Refused(ErrorCode.InvalidRecord, result);
        Assert.Equal([1, 3], result.BadRecords);
        Assert.Equal(ErrorCode.None, Accept(sent, config: ("cleanup.policy", "delete")).Error);
    }

    [Fact]
    public void Zstd_needs_a_client_that_knows_it()
    {
        byte[] sent = new RecordBatchBuilder { Codec = CompressionType.Zstd }.Append(Now, null, [1]).Build();
        using PooledBuffer frame = _buffers.Rent(sent);
        Refused(ErrorCode.UnsupportedCompressionType, _intake.Accept(Topic(), 0, frame.Memory, frame, allowZstd: false));
        Assert.Equal(ErrorCode.None, _intake.Accept(Topic(), 0, frame.Memory, frame, allowZstd: true).Error);
    }

    [Fact]
    public void A_transactional_batch_is_refused()
    {
        byte[] sent = new RecordBatchBuilder { IsTransactional = true, ProducerId = 7, ProducerEpoch = 0, BaseSequence = 0 }
            .Append(Now, null, [1]).Build();
        Refused(ErrorCode.InvalidTxnState, Accept(sent));
    }

    [Fact]
    public void A_flipped_bit_anywhere_behind_the_checksum_is_noticed()
    {
        byte[] sent = new RecordBatchBuilder().Append(Now, [1], [2]).Build();
        for (int i = RecordBatchHeader.AttributesOffset; i < sent.Length; i++)
        {
            sent[i] ^= 1;
            Refused(ErrorCode.CorruptMessage, Accept(sent));
            sent[i] ^= 1;
        }
    }

    [Fact]
    public void Exactly_one_batch_is_accepted()
    {
        byte[] one = new RecordBatchBuilder().Append(Now, null, [1]).Build();
        Refused(ErrorCode.InvalidRecord, Accept([.. one, .. one]));
        Refused(ErrorCode.InvalidRecord, Accept([]));
        Refused(ErrorCode.CorruptMessage, Accept(one[..^1]));
    }

    private static TopicImage Topic(params ReadOnlySpan<(string Name, string Value)> config)
    {
        ImmutableSortedDictionary<string, string> overrides = ImmutableSortedDictionary<string, string>.Empty;
        foreach ((string name, string value) in config)
            overrides = overrides.SetItem(name, value);
        return new TopicImage
        {
            Id = new Guid(1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]),
            Name = "topic",
            PartitionCount = 8,
            OpenPartitionCount = 8,
            ReplicationFactor = 1,
            Overrides = overrides,
            Config = new EffectiveTopicConfig(overrides, BrokerConfigValues.None),
        };
    }

    /// <summary>Has the bytes checked in the middle of a request's frame, which is given back afterwards.</summary>
    private IntakeResult Accept(byte[] records, int partition = 0, params ReadOnlySpan<(string Name, string Value)> config)
    {
        IntakeResult result = Accept(records, partition, out PooledBuffer frame, config);
        frame.Release();
        return result;
    }

    private IntakeResult Accept(byte[] records, (string Name, string Value) config) => Accept(records, 0, config);

    private IntakeResult Accept(
        byte[] records, int partition, out PooledBuffer frame, params ReadOnlySpan<(string Name, string Value)> config)
    {
        frame = _buffers.Rent([.. new byte[BatchAt], .. records, .. new byte[11]]);
        return _intake.Accept(Topic(config), partition, frame.Memory.Slice(BatchAt, records.Length), frame, allowZstd: true);
    }

    private static RecordBatchHeader ValidHeader(PendingBatch batch)
    {
        Assert.True(RecordBatchHeader.TryRead(batch.Bytes.Span, out RecordBatchHeader header));
        Assert.Equal(header.Crc, Crc32C.Compute(batch.Bytes.Span[RecordBatchHeader.AttributesOffset..]));
        return header;
    }

    private static void Refused(ErrorCode expected, IntakeResult result)
    {
        Assert.Equal(expected, result.Error);
        Assert.Null(result.Batch);
        Assert.False(string.IsNullOrEmpty(result.Message));
    }
}

using Warp.Actors.Catalog;
using Warp.Actors.Groups;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Xunit;
using CatalogSpecs = Warp.Actors.Catalog.EventSpecs;
using GroupSpecs = Warp.Actors.Groups.EventSpecs;
using MaintenanceSpecs = Warp.Actors.Maintenance.EventSpecs;
using SequencerSpecs = Warp.Actors.Sequencing.EventSpecs;

namespace Warp.Specs.Golden;

/// <summary>
/// Rule 10: what a journal holds is read by every later version. One file for each event and version that was ever written.
/// </summary>
public sealed partial class EventsGoldenSpec
{
    private static readonly Guid s_topic = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly Guid s_object = new("019a3f9f-7a00-1122-3344-5566778899aa");

    private static readonly IEvent[] s_samples =
    [
        new PartitionsOpened { Time = 1_790_000_000_123, TopicId = s_topic, Partitions = [0, 1, 300] },
        new PartitionsDeleted { Time = 1_790_000_000_123, TopicId = s_topic },
        Committed(),
        new LogStartAdvanced { Time = 1_790_000_000_123, TopicId = s_topic, Partition = 7, LogStartOffset = 1L << 40 },
        new ExtentsReplaced
        {
            Time = 1_790_000_000_123,
            SwapId = s_object,
            Outputs = [new() { ObjectId = s_object, SizeBytes = 134_217_728, Level = 1 }],
            Partitions =
            [
                new()
                {
                    TopicId = s_topic,
                    Partition = 300,
                    CleanedUpTo = 70_000,
                    DeleteHorizon = 1_790_000_060_000,
                    Removed = [new() { BaseOffset = 0, ExtentCount = 17 }, new() { BaseOffset = 1L << 35, ExtentCount = 1 }],
                    Added =
                    [
                        new()
                        {
                            Output = 0,
                            BaseOffset = 0,
                            OffsetCount = 70_000,
                            Position = 1L << 31,
                            Length = 8_388_608,
                            MaxTimestamp = 1_790_000_000_000,
                        },
                    ],
                },
                new() { TopicId = s_topic, Partition = 301, Refusal = (sbyte)PartitionRefusal.ExtentsMissing },
            ],
        },
        new CompactionJobStarted
        {
            Time = 1_790_000_000_123,
            JobId = s_topic,
            NodeId = 12,
            Incarnation = 34,
            Level = 1,
            TargetBytes = 134_217_728,
            Inputs = [new() { ObjectId = s_object, Level = 0, SizeBytes = 8_388_608 }],
        },
        new CompactionJobFinished { Time = 1_790_000_000_123, JobId = s_topic },
        new CompactionJobFailed { Time = 1_790_000_000_123, JobId = s_topic, Culprit = s_object, Reason = "ß√" },
        new CompactionPaused { Time = 1_790_000_000_123, IsPaused = true },
        new ProducersExpired { Time = 1_790_000_000_123, Cutoff = 1_789_913_600_123 },
        new TopicCreated
        {
            Time = 1_790_000_000_123,
            TopicId = s_topic,
            Name = "orders.v2",
            PartitionCount = 300,
            ReplicationFactor = 3,
            Configs = [new() { Name = "cleanup.policy", Value = "compact" }, new() { Name = "retention.ms", Value = "-1" }],
        },
        new TopicOpened { TopicId = s_topic, PartitionCount = 300 },
        new PartitionsAdded { TopicId = s_topic, PartitionCount = 301 },
        new TopicDeleted { Time = 1_790_000_000_123, TopicId = s_topic },
        new TopicDeletionFinished { TopicId = s_topic },
        new TopicConfigsChanged { TopicId = s_topic, Configs = [new() { Name = "retention.bytes", Value = "ß√" }] },
        new BrokerConfigsChanged { NodeId = -1, Configs = [new() { Name = "log.segment.bytes", Value = "1048576" }] },
        new RoutingChanged { Generation = 65, NodeIds = [3, 1, 2_000_000_000] },
        new ProducerIdsReserved { NextProducerId = 1L << 50 },
        new ClientQuotasChanged
        {
            Entry = new()
            {
                Entity = [new() { Type = "client-id", Name = "billing" }, new() { Type = "user", Name = null }],
                Quotas = [new() { Key = "producer_byte_rate", Value = 1_048_576.5 }],
            },
        },
        new ClassicGenerationStarted
        {
            Time = 1_790_000_000_123,
            Generation = 65,
            ProtocolType = "consumer",
            ProtocolName = "range",
            LeaderId = "a-1",
            Members = [Member()],
        },
        new ClassicAssigned
        {
            Time = 1_790_000_000_123,
            Assignments = [new() { MemberId = "a-1", Assignment = new byte[] { 0, 1, 2 } }],
        },
        new ClassicStaticMemberReplaced { Time = 1_790_000_000_123, OldMemberId = "a-0", Member = Member() },
        new ClassicMembersLeft { Time = 1_790_000_000_123, MemberIds = ["a-1", "b-2"] },
        new ClassicGroupEmptied { Time = 1_790_000_000_123, Generation = 66, ProtocolType = "consumer" },
        new OffsetsCommitted
        {
            Time = 1_790_000_000_123,
            ExpireTime = -1,
            Topics =
            [
                new()
                {
                    TopicId = s_topic,
                    Partitions = [new() { Partition = 300, Offset = 1L << 40, LeaderEpoch = -1, Metadata = "ß√" }],
                },
            ],
        },
        new OffsetsRemoved { Time = 1_790_000_000_123, Topics = [new() { TopicId = s_topic, Partitions = [0, 300] }] },
        new GroupDeleted { Time = 1_790_000_000_123 },
        .. ConsumerSamples(),
    ];

    private static readonly IReadOnlyList<EventSpec>[] s_families = [SequencerSpecs.All, CatalogSpecs.All, GroupSpecs.All, MaintenanceSpecs.All];

    public static TheoryData<string> Names => [.. s_samples.Select(static sample => sample.GetType().Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void An_event_is_written_in_each_version_as_the_file_has_it(string name)
    {
        EventCodec codec = CodecOf(name);
        ushort highest = codec.Encode(SampleOf(name)).Version;
        for (short version = 0; version <= highest; version++)
        {
            EventRecord record = codec.Encode(SampleOf(name), version);

            Assert.Equal((ushort)version, record.Version);
            GoldenFile.AssertEqual($"Events.{name}-v{version}.bin", record.Payload.ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_file_of_each_version_is_read_as_the_event_that_it_was(string name)
    {
        EventCodec codec = CodecOf(name);
        EventRecord sample = codec.Encode(SampleOf(name));
        for (ushort version = 0; version <= sample.Version; version++)
        {
            var record = new EventRecord(sample.Kind, version, GoldenFile.Read($"Events.{name}-v{version}.bin"));

            IEvent read = codec.Decode("golden", record);

            Assert.Equal(name, read.GetType().Name);
            Assert.Equal(Convert.ToHexString(sample.Payload.Span), Convert.ToHexString(codec.Encode(read).Payload.Span));
        }
    }

    [Fact]
    public void The_kinds_are_frozen()
    {
        Assert.Equal(
            [
                (1, "PartitionsOpened"), (2, "PartitionsDeleted"), (3, "ObjectCommitted"), (4, "LogStartAdvanced"), (5, "ProducersExpired"),
                (6, "ExtentsReplaced"),
            ],
            SequencerSpecs.All.Select(static spec => ((int)spec.Kind, spec.Name)));
        Assert.Equal(
            [
                (1, "TopicCreated"), (2, "TopicOpened"), (3, "PartitionsAdded"), (4, "TopicDeleted"), (5, "TopicDeletionFinished"),
                (6, "TopicConfigsChanged"), (7, "BrokerConfigsChanged"), (8, "RoutingChanged"), (9, "ProducerIdsReserved"),
                (10, "ClientQuotasChanged"),
            ],
            CatalogSpecs.All.Select(static spec => ((int)spec.Kind, spec.Name)));
        Assert.Equal(
            [
                (1, "ClassicGenerationStarted"), (2, "ClassicAssigned"), (3, "ClassicStaticMemberReplaced"), (4, "ClassicMembersLeft"),
                (5, "ClassicGroupEmptied"), (6, "OffsetsCommitted"), (7, "OffsetsRemoved"), (8, "GroupDeleted"),
                (20, "ConsumerGroupStarted"), (21, "ConsumerMemberChanged"), (22, "ConsumerMemberReplaced"), (23, "ConsumerMembersLeft"),
                (24, "ConsumerEpochRaised"), (25, "ConsumerTargetAssigned"),
            ],
            GroupSpecs.All.Select(static spec => ((int)spec.Kind, spec.Name)));
    }

    [Fact]
    public void The_kinds_of_maintenance_are_frozen() => Assert.Equal(
        [(20, "CompactionJobStarted"), (21, "CompactionJobFinished"), (22, "CompactionJobFailed"), (23, "CompactionPaused")],
        MaintenanceSpecs.All.Select(static spec => ((int)spec.Kind, spec.Name)));

    [Fact]
    public void Every_event_has_a_sample() => Assert.Equal(
        s_families.SelectMany(static family => family).Select(static spec => spec.Name).Order(),
        s_samples.Select(static sample => sample.GetType().Name).Order());

    private static IEvent SampleOf(string name) => s_samples.Single(sample => sample.GetType().Name == name);

    private static EventCodec CodecOf(string name) =>
        new(s_families.Single(family => family.Any(spec => spec.Name == name)));

    private static ClassicMemberRecord Member() => new()
    {
        MemberId = "a-1",
        InstanceId = "rack-7",
        ClientId = "a",
        ClientHost = "/10.0.0.7",
        SessionTimeoutMs = 45_000,
        RebalanceTimeoutMs = 300_000,
        Protocols = [new() { Name = "range", Metadata = new byte[] { 0, 3 } }, new() { Name = "sticky", Metadata = default }],
        Assignment = new byte[] { 9 },
    };

    private static ObjectCommitted Committed() => new()
    {
        Time = 1_790_000_000_123,
        ObjectId = s_object,
        ObjectSize = 8_388_608,
        Level = 0,
        NodeId = 12,
        Incarnation = 34,
        Number = 56,
        BatchCount = 3,
        Batches =
        [
            new()
            {
                TopicId = s_topic,
                Partition = 1,
                Index = 0,
                Error = ErrorCode.None,
                BaseOffset = 1L << 35,
                Position = 64,
                Length = 70_000,
                OffsetCount = 1000,
                MaxTimestamp = 1_790_000_000_000,
                ProducerId = 4_000_000_000,
                ProducerEpoch = 5,
                BaseSequence = int.MaxValue,
            },
            new()
            {
                TopicId = s_topic,
                Partition = 1,
                Index = 2,
                Duplicate = true,
                BaseOffset = 17,
                Position = 70_064,
                Length = 70,
                OffsetCount = 1,
                MaxTimestamp = -1,
                ProducerId = -1,
                ProducerEpoch = -1,
                BaseSequence = -1,
            },
            new()
            {
                TopicId = s_topic,
                Partition = 200,
                Index = 1,
                Error = ErrorCode.OutOfOrderSequenceNumber,
                BaseOffset = -1,
                Position = 70_134,
                Length = 70,
                OffsetCount = 1,
                ProducerId = 9,
            },
        ],
    };
}

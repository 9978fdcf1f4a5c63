using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Golden;

/// <summary>Rule 10 for snapshots: an actor goes on from one that any earlier version wrote.</summary>
public sealed class SnapshotsGoldenSpec
{
    private static readonly Guid s_topic = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly Guid s_object = new("019a3f9f-7a00-1122-3344-5566778899aa");

    [Fact]
    public void A_sequencers_snapshot_is_written_as_the_file_has_it() =>
        GoldenFile.AssertEqual("Snapshots.Sequencer-v1.bin", EventCodec.EncodeSnapshot(Sequencer(), SequencerSnapshot.HighestVersion));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_sequencer_goes_on_from_the_file(int version)
    {
        var state = new SequencerState(TimeSpan.FromMinutes(3));

        state.Restore(EventCodec.DecodeSnapshot(
            "golden", GoldenFile.Read($"Snapshots.Sequencer-v{version}.bin"), SequencerSnapshot.HighestVersion, SequencerSnapshot.Read));

        var id = ObjectId.FromBytes(s_object.ToByteArray(bigEndian: true));
        PartitionLog log = state.Find(new TopicPartition(s_topic, 300))!;
        Assert.Equal((5L, 20L, 700L), (log.LogStartOffset, log.NextOffset, log.SizeBytes));
        Assert.Equal(new LogCleaning(10, 1_790_000_060_000), log.Cleaning);
        Assert.Equal(
            [
                new Extent(0, 9, ExtentSource.Object, id, 64, 500, 1_790_000_000_000),
                new Extent(10, 19, ExtentSource.Object, id, 9000, 200, -1),
            ],
            log.Extents.ToArray());
        Assert.Equal(new SequencerState.ObjectUse(8_388_608, 1, 2), state.Objects[id]);
        ProducerState producer = log.ProducerOf(4_000_000_000);
        Assert.Equal((3, 1_790_000_000_100L, 2), (producer.Epoch, producer.LastWriteMs, producer.Count));
        Assert.Equal(new BatchTrace(int.MaxValue - 4, 4, 10), producer[1]);
        Assert.True(state.IsDeleted(s_object));
        Assert.Equal(77, state.LastCommitOf(new NodeIncarnation(12, 34)));
        Assert.Equal(
            [new BatchAnswer(ErrorCode.None, 10, -1), null, new BatchAnswer(ErrorCode.OutOfOrderSequenceNumber, -1, -1)],
            state.FindCommit(id)!.Answers);
        Assert.Equal([PartitionRefusal.None, PartitionRefusal.ExtentsMissing], state.FindSwap(id)!);
        Assert.Equal(1_790_000_000_123, state.TimeMs);
        // In any version, whichever it came from: others may not be able to read the newest.
        for (short written = 0; written <= SequencerSnapshot.HighestVersion; written++)
            GoldenFile.AssertEqual($"Snapshots.Sequencer-v{written}.bin", EventCodec.EncodeSnapshot(state.ToSnapshot(written), written));
    }

    [Fact]
    public void The_catalogs_snapshot_is_written_as_the_file_has_it() =>
        GoldenFile.AssertEqual("Snapshots.Catalog-v0.bin", EventCodec.EncodeSnapshot(Catalog(), CatalogSnapshot.HighestVersion));

    [Fact]
    public void The_catalog_goes_on_from_the_file()
    {
        CatalogImage image = CatalogImage.Empty(ImmutableSortedDictionary<string, string>.Empty).Restore(EventCodec.DecodeSnapshot(
            "golden", GoldenFile.Read("Snapshots.Catalog-v0.bin"), CatalogSnapshot.HighestVersion, CatalogSnapshot.Read));

        TopicImage topic = image.Find("orders.v2")!;
        Assert.Equal(
            (s_topic, 300, 299, (short)3, 1_790_000_000_123),
            (topic.Id, topic.PartitionCount, topic.OpenPartitionCount, topic.ReplicationFactor, topic.CreatedMs));
        Assert.Equal("compact", topic.Overrides["cleanup.policy"]);
        Assert.True(image.ById[s_object].IsDeleted);
        Assert.Equal("1048576", image.BrokerConfigs[CatalogImage.AllNodes]["log.segment.bytes"]);
        Assert.Equal((65, 1L << 50), (image.RoutingGeneration, image.NextProducerId));
        Assert.Equal([3, 1], image.RoutingNodeIds);
    }

    [Fact]
    public void The_compaction_planners_snapshot_is_written_as_the_file_has_it() =>
        GoldenFile.AssertEqual("Snapshots.Compaction-v0.bin", EventCodec.EncodeSnapshot(Compaction(), CompactionSnapshot.HighestVersion));

    [Fact]
    public void The_compaction_planner_goes_on_from_the_file()
    {
        var state = new CompactionState();
        state.Restore(EventCodec.DecodeSnapshot(
            "golden", GoldenFile.Read("Snapshots.Compaction-v0.bin"), CompactionSnapshot.HighestVersion, CompactionSnapshot.Read));

        var id = ObjectId.FromBytes(s_object.ToByteArray(bigEndian: true));
        Assert.Equal((true, 3, 1_790_000_000_123), (state.IsPaused, state.Failures, state.NotBeforeMs));
        RunningJob job = state.Jobs[s_topic];
        Assert.Equal((new NodeIncarnation(12, 34), 1_790_000_000_001), (job.Worker, job.StartedMs));
        Assert.Equal((1, 134_217_728), (job.Job.Level, job.Job.TargetBytes));
        Assert.Equal([new CompactionInput(id, 0, 8_388_608)], job.Job.Inputs);
        Assert.Equal(new Setback(2, 1_790_000_000_200), state.Setbacks[id]);
        Assert.False(state.IsFree(id, DateTimeOffset.MaxValue));
        GoldenFile.AssertEqual("Snapshots.Compaction-v0.bin", EventCodec.EncodeSnapshot(state.ToSnapshot(), CompactionSnapshot.HighestVersion));
    }

    private static CompactionSnapshot Compaction() => new()
    {
        IsPaused = true,
        Failures = 3,
        NotBefore = 1_790_000_000_123,
        Jobs =
        [
            new()
            {
                JobId = s_topic,
                Time = 1_790_000_000_001,
                NodeId = 12,
                Incarnation = 34,
                Level = 1,
                TargetBytes = 134_217_728,
                Inputs = [new() { ObjectId = s_object, Level = 0, SizeBytes = 8_388_608 }],
            },
        ],
        Setbacks = [new() { ObjectId = s_object, Failures = 2, NotBefore = 1_790_000_000_200 }],
    };

    private static SequencerSnapshot Sequencer() => new()
    {
        Time = 1_790_000_000_123,
        Partitions =
        [
            new()
            {
                TopicId = s_topic,
                Partition = 300,
                LogStartOffset = 5,
                NextOffset = 20,
                CleanedUpTo = 10,
                DeleteHorizon = 1_790_000_060_000,
                Extents =
                [
                    new()
                    {
                        BaseOffset = 0,
                        OffsetCount = 10,
                        Source = 0,
                        ObjectId = s_object,
                        Position = 64,
                        Length = 500,
                        MaxTimestamp = 1_790_000_000_000,
                    },
                    new()
                    {
                        BaseOffset = 10,
                        OffsetCount = 10,
                        Source = 0,
                        ObjectId = s_object,
                        Position = 9000,
                        Length = 200,
                        MaxTimestamp = -1,
                    },
                ],
                Producers =
                [
                    new()
                    {
                        ProducerId = 4_000_000_000,
                        Epoch = 3,
                        LastWrite = 1_790_000_000_100,
                        Batches =
                        [
                            new() { FirstSequence = int.MaxValue - 14, LastSequence = int.MaxValue - 5, BaseOffset = 0 },
                            new() { FirstSequence = int.MaxValue - 4, LastSequence = 4, BaseOffset = 10 },
                        ],
                    },
                ],
            },
        ],
        ObjectTable = [new() { ObjectId = s_object, SizeBytes = 8_388_608, Level = 1 }],
        DeletedTopics = [new() { TopicId = s_object, Time = 1_790_000_000_001 }],
        Nodes = [new() { NodeId = 12, Incarnation = 34, LastNumber = 77, Time = 1_790_000_000_123 }],
        RecentCommits =
        [
            new()
            {
                ObjectId = s_object,
                Time = 1_790_000_000_123,
                BatchCount = 3,
                Answers =
                [
                    new() { Index = 0, Error = ErrorCode.None, BaseOffset = 10 },
                    new() { Index = 2, Error = ErrorCode.OutOfOrderSequenceNumber, BaseOffset = -1 },
                ],
            },
        ],
        RecentSwaps = [new() { SwapId = s_object, Time = 1_790_000_000_123, Refusals = [0, 2] }],
    };

    private static CatalogSnapshot Catalog() => new()
    {
        Topics =
        [
            new()
            {
                TopicId = s_topic,
                Name = "orders.v2",
                PartitionCount = 300,
                OpenPartitionCount = 299,
                ReplicationFactor = 3,
                Created = 1_790_000_000_123,
                Configs = [new() { Name = "cleanup.policy", Value = "compact" }],
            },
            new()
            {
                TopicId = s_object,
                Name = "gone",
                PartitionCount = 1,
                OpenPartitionCount = 1,
                ReplicationFactor = 1,
                IsDeleted = true,
            },
        ],
        Brokers = [new() { NodeId = -1, Configs = [new() { Name = "log.segment.bytes", Value = "1048576" }] }],
        RoutingGeneration = 65,
        RoutingNodeIds = [3, 1],
        NextProducerId = 1L << 50,
    };
}

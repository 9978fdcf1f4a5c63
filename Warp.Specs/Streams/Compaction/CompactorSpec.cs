using System.Text;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Protocol.Compression;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Compaction;
using Warp.Streams.Format;
using Xunit;

namespace Warp.Specs.Streams.Compaction;

/// <summary>Single jobs: what is copied, what the sequencers take, what is read for it, and what a bad input does.</summary>
public sealed class CompactorSpec
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Consumers_get_the_same_bytes_from_one_object_as_from_many()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(6);
        for (int i = 0; i < 20; i++)
            await world.Commits.WriteAsync([.. topic.Where(p => p.Partition != i % 5).SelectMany(p => Batches(p, i))]);
        LogPrint[] before = await world.PrintAsync(topic);
        List<ShardObject> inputs = await world.ObjectsAsync();

        CompactionResult result = await world.CompactAsync(await world.JobAsync());

        Assert.Equal((1, 0, 20), (result.Outputs, result.RefusedPartitions, result.Requests));
        Assert.Equal((inputs.Sum(static o => o.Extents), 6), (result.ReplacedExtents, result.AddedExtents));
        Assert.Equal(before, await world.PrintAsync(topic));
        ShardObject output = Assert.Single(await world.ObjectsAsync());
        Assert.Equal((1, 6, result.BytesWritten), (output.Level, output.Extents, output.SizeBytes));
        Assert.Equal(inputs.Sum(static o => o.LiveBytes), output.LiveBytes);
        ObjectFooter footer = await FooterOf(world, output);
        Assert.Equal((ObjectFlags.AbsoluteOffsets, 6, output.Id), (footer.Flags, footer.Extents.Length, footer.ObjectId));
        foreach (TopicPartition partition in topic)
        {
            Assert.True(footer.TryFind(partition.TopicId, partition.Partition, out FooterExtent extent));
            Extent live = Assert.Single(await world.ExtentsAsync(partition)).Extent;
            Assert.Equal((live.BaseOffset, live.LastOffset + 1, live.Position, live.Length, live.MaxTimestamp),
                (extent.BaseOffset, extent.OffsetCount, extent.Position, extent.Length, extent.MaxTimestamp));
        }
    }

    [Fact]
    public async Task Any_offset_and_any_time_is_found_in_a_large_extent()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(2);
        for (int i = 0; i < 40; i++)
        {
            byte[] large = new RecordBatchBuilder()
                .Append(1000 + (2 * i), null, new byte[20_000]).Append(1001 + (2 * i), null, [1]).Build();
            await world.Commits.WriteAsync((topic[0], large), (topic[1], SampleBatches.Build("x")));
        }
        await world.CompactAsync(await world.JobAsync());
        Assert.InRange(Assert.Single(await world.ExtentsAsync(topic[0])).Extent.Length, 300_000, 2_000_000);

        for (long offset = 0; offset < 80; offset++)
        {
            var query = new Warp.Streams.Fetch.FetchQuery([new(topic[0], offset, 1)], 1, TimeSpan.Zero, 1, false);
            var found = Assert.Single(await world.Streams.ColdPlanner().FetchAsync(query, Stop));
            using var records = found.Records;
            Assert.Equal(offset - (offset % 2), Assert.Single(RecordBatches.Enumerate(records.Memory)).Header.BaseOffset);
            (ErrorCode error, var at) = await world.Streams.ColdPlanner().FindTimestampAsync(topic[0], 1000 + offset, Stop);
            Assert.Equal((ErrorCode.None, offset), (error, at!.Value.Offset));
        }
    }

    [Fact]
    public async Task What_is_in_no_log_any_more_is_neither_read_nor_copied()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(2);
        TopicPartition[] gone = await world.Streams.OpenTopicAsync(1);
        for (int i = 0; i < 4; i++)
            await world.Commits.WriteAsync((topic[0], OfSize(1000)), (topic[1], OfSize(1000)), (gone[0], OfSize(500_000)));
        await DeleteTopicAsync(world, gone[0]);
        await DeleteRecordsAsync(world, topic[0], 2);
        LogPrint[] before = await world.PrintAsync(topic);

        CompactionResult result = await world.CompactAsync(await world.JobAsync());

        Assert.InRange(result.BytesRead, 6_000, 10_000);
        Assert.InRange(result.BytesWritten, 6_000, 10_000);
        Assert.Equal(before, await world.PrintAsync(topic));
        Assert.Equal(2, before[0].Batches);
    }

    [Fact]
    public async Task Inputs_that_nothing_refers_to_make_no_output()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(1);
        await world.Commits.WriteAsync((topic[0], OfSize(10)));
        CompactionJob job = await world.JobAsync();
        await DeleteRecordsAsync(world, topic[0], 1);

        Assert.Equal(CompactionResult.Nothing, await world.CompactAsync(job));
        Assert.Empty(await world.Streams.Store.KeysAsync(1));
    }

    [Fact]
    public async Task Levels_build_on_each_other_and_what_lies_between_stays()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(3);
        LogPrint[] before = [];
        for (int round = 0; round < 4; round++)
        {
            for (int i = 0; i < 5; i++)
                await world.Commits.WriteAsync([.. topic.SelectMany(p => Batches(p, i))]);
            before = await world.PrintAsync(topic);
            await world.CompactAsync(await world.JobAsync(maxInputLevel: 0));
        }
        List<ShardObject> ones = await world.ObjectsAsync(1, 1);
        Assert.Equal((4, 4), (ones.Count, (await world.ObjectsAsync()).Count));
        CompactionJob all = await world.JobAsync(level: 2);
        CompactionJob ends = all with { Inputs = [all.Inputs[0], all.Inputs[3]] };

        CompactionResult result = await world.CompactAsync(ends);

        Assert.Equal((1, 6, 6, 0), (result.Outputs, result.ReplacedExtents, result.AddedExtents, result.RefusedPartitions));
        Assert.Equal(before, await world.PrintAsync(topic));
        Assert.Equal([1, 1, 2], (await world.ObjectsAsync()).Select(static o => o.Level).Order());
        Assert.Equal([2, 1, 1, 2], (await world.ExtentsAsync(topic[1])).Select(static extent => extent.Level));
    }

    [Fact]
    public async Task An_output_that_is_full_is_followed_by_another()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(5);
        for (int i = 0; i < 10; i++)
            await world.Commits.WriteAsync([.. topic.Select(partition => (partition, OfSize(20_000)))]);
        LogPrint[] before = await world.PrintAsync(topic);

        CompactionResult result = await world.CompactAsync(await world.JobAsync(targetBytes: 300_000));

        Assert.Equal((4, 0), (result.Outputs, result.RefusedPartitions));
        Assert.Equal(before, await world.PrintAsync(topic));
        List<ShardObject> outputs = await world.ObjectsAsync();
        Assert.Equal(4, outputs.Count);
        Assert.All(outputs, static output => Assert.InRange(output.SizeBytes, 1, 301_000));
        Assert.Contains((await Task.WhenAll(topic.Select(world.ExtentsAsync))), static extents => extents.Count == 2);
    }

    [Fact]
    public async Task Large_outputs_go_in_parts_and_batches_of_any_size_go_through_any_memory()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(4);
        var random = new Random(TestRun.TakeSeed());
        for (int i = 0; i < 24; i++)
        {
            await world.Commits.WriteAsync(
            [
                .. from partition in topic
                   from isLarge in Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(5) == 0)
                   select (partition, OfSize(random.Next(isLarge ? 900_000 : 40_000))),
            ]);
        }
        await world.Commits.WriteAsync((topic[2], OfSize(6_000_000)));
        LogPrint[] before = await world.PrintAsync(topic);
        var store = new TrapStore(world.Streams.Store);
        // So little memory that every input is read in many ranges, and that large batches lie in many of them.
        var settings = new CompactionSettings(17 << 20, long.MaxValue / 2);

        CompactionResult result = await world.CompactAsync(await world.JobAsync(), world.Services(settings, store));

        Assert.Equal((1, 0), (result.Outputs, result.RefusedPartitions));
        Assert.InRange(result.PeakBytes, 16 << 20, 17 << 20);
        Assert.InRange(result.BytesRead / result.Requests, 12_000, 20_000);
        // The upload's start, its parts of 8 MiB, and its end.
        Assert.Equal(Math.Ceiling(result.BytesWritten / (double)(8 << 20)) + 2, store.Requests - result.Requests);
        Assert.Equal(before, await world.PrintAsync(topic));
    }

    [Fact]
    public async Task Batches_that_were_held_back_are_copied_in_the_order_of_the_log()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(1);
        // The second one in the object is the first in the log.
        await world.Commits.WriteHeldAsync(
            topic[0], SampleBatches.Build(7, 0, 2, "c", "d"), SampleBatches.Build(7, 0, 0, "a", "b"));
        await world.Commits.WriteAsync((topic[0], SampleBatches.Build("e")));
        List<LogEntry> before = await world.Streams.ReadLogAsync(topic[0]);
        Assert.Equal(["a", "b", "c", "d", "e"], before.Select(static entry => entry.Value));

        await world.CompactAsync(await world.JobAsync());

        Assert.Equal(before, await world.Streams.ReadLogAsync(topic[0]));
        Assert.Single(await world.ExtentsAsync(topic[0]));
    }

    [Fact]
    public async Task A_flipped_bit_stops_the_job_says_where_and_leaves_everything_as_it_was()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(2);
        await world.Commits.WriteAsync((topic[0], OfSize(3000)), (topic[1], OfSize(3000)));
        world.Commits.Damage = static bytes =>
        {
            bytes[4000] ^= 1;
            return bytes;
        };
        await world.Commits.WriteAsync((topic[0], OfSize(3000)), (topic[1], OfSize(3000)));
        ObjectId damaged = world.Commits.LastId;
        var before = (await world.ObjectsAsync(), await world.ExtentsAsync(topic[0]));

        CompactionJob job = await world.JobAsync();
        CorruptInputException error = await Assert.ThrowsAsync<CorruptInputException>(() => world.CompactAsync(job));

        Assert.Equal(damaged, error.ObjectId);
        Assert.Contains(damaged.ToString(), error.Message);
        Assert.Contains("CRC-32C", error.Message);
        Assert.Equal(before.Item1, await world.ObjectsAsync());
        Assert.Equal(before.Item2, await world.ExtentsAsync(topic[0]));
        Assert.Equal(2, (await world.Streams.Store.KeysAsync()).Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_object_that_is_cut_off_or_gone_stops_the_job(bool gone)
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(1);
        await world.Commits.WriteAsync((topic[0], OfSize(3000)));
        world.Commits.Damage = bytes => gone ? null : bytes[..1000];
        await world.Commits.WriteAsync((topic[0], OfSize(3000)));

        CompactionJob job = await world.JobAsync();
        CorruptInputException error = await Assert.ThrowsAsync<CorruptInputException>(() => world.CompactAsync(job));

        Assert.Equal(world.Commits.LastId, error.ObjectId);
        Assert.Equal(2, (await world.ExtentsAsync(topic[0])).Count);
    }

    [Fact]
    public async Task Metadata_that_disagrees_with_the_bytes_stops_the_job()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(1);
        world.Commits.Claim = static batch => batch with { OffsetCount = batch.OffsetCount + 1 };
        await world.Commits.WriteAsync((topic[0], OfSize(100)), (topic[0], OfSize(100)));

        CompactionJob job = await world.JobAsync();
        CorruptInputException error = await Assert.ThrowsAsync<CorruptInputException>(() => world.CompactAsync(job));

        Assert.Contains("offset", error.Message);
    }

    [Fact]
    public async Task Partitions_that_change_while_they_are_copied_keep_what_they_have()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(4);
        TopicPartition[] doomed = await world.Streams.OpenTopicAsync(1);
        for (int i = 0; i < 5; i++)
            await world.Commits.WriteAsync([.. topic.Append(doomed[0]).Select(partition => (partition, OfSize(100)))]);
        CompactionJob job = await world.JobAsync();
        // Objects of the same millisecond are in no order by id.
        ObjectId second = (await world.ExtentsAsync(topic[2]))[1].Extent.ObjectId;
        int calls = 0;
        var store = new TrapStore(world.Streams.Store, () => calls++);
        world.Streams.Store.Script = async _ =>
        {
            // All has been read, nothing has been swapped yet.
            await DeleteTopicAsync(world, doomed[0]);
            await DeleteRecordsAsync(world, topic[0], 3);
            await DeleteRecordsAsync(world, topic[1], 5);
            CompactionJob other = job with { Inputs = [job.Inputs.Single(input => input.Id == second)] };
            world.Streams.Store.Script = null;
            await world.CompactAsync(other);
            return PutFate.Store;
        };

        CompactionResult result = await world.CompactAsync(job, world.Services(store: store));

        // Of partition 0 all that the other job took is below the log start; 1 is empty; 2 and 3 lack what the other job took.
        Assert.Equal(3, result.RefusedPartitions);
        Assert.True(calls > 0);
        Assert.Equal((1, 0L), (await world.ExtentsAsync(topic[0])).Select(static e => (e.Level, e.Extent.BaseOffset)).Single());
        Assert.Equal([0, 1, 0, 0, 0], (await world.ExtentsAsync(topic[2])).Select(static extent => extent.Level));
        LogPrint[] after = await world.PrintAsync(topic);
        Assert.Equal([2, 0, 5, 5], after.Select(static print => print.Batches));
        Assert.All(after, static print => Assert.Equal(5, print.NextOffset));
    }

    [Fact]
    public async Task A_job_that_has_lost_its_output_or_its_planner_swaps_nothing()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(1);
        for (int i = 0; i < 3; i++)
            await world.Commits.WriteAsync((topic[0], OfSize(100)));
        CompactionServices services = world.Services();
        var lost = new JobLease(services, static _ => Task.FromResult(false));

        CompactionJob job = await world.JobAsync();
        await Assert.ThrowsAsync<CompactionException>(() => new Compactor(services).RunAsync(job, lost, Stop));

        Assert.Equal([0, 0, 0], (await world.ExtentsAsync(topic[0])).Select(static extent => extent.Level));
    }

    [Fact]
    public async Task A_swap_whose_answer_is_lost_is_repeated()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync(shards: 1);
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(2);
        for (int i = 0; i < 3; i++)
            await world.Commits.WriteAsync([.. topic.SelectMany(p => Batches(p, i))]);
        LogPrint[] before = await world.PrintAsync(topic);
        world.Streams.Journal.FailNext(
            Actors.AppendFault.CommittedButUnknown, static write => write.References.Any(static r => r.Level == 1));

        CompactionResult result = await world.CompactAsync(await world.JobAsync());

        Assert.Equal((1, 0), (result.Outputs, result.RefusedPartitions));
        Assert.Equal(before, await world.PrintAsync(topic));
        Assert.Single(await world.ObjectsAsync());
    }

    private static IEnumerable<(TopicPartition, byte[])> Batches(TopicPartition partition, int i)
    {
        yield return (partition, SampleBatches.Build($"{partition.Partition}/{i}", "more"));
        if (i % 3 == 0)
        {
            yield return (partition, new RecordBatchBuilder { Codec = CompressionType.Gzip, PartitionLeaderEpoch = 7 }
                .Append(1_790_000_000_000 + i, [1], Encoding.UTF8.GetBytes(new string('x', 100 * (i + 1)))).Build());
        }
    }

    private static byte[] OfSize(int bytes) => SampleBatches.OfSize(bytes);

    private static async Task<ObjectFooter> FooterOf(CompactionWorld world, ShardObject found)
    {
        byte[] bytes = await world.Streams.Store.GetAsync(world.Streams.Keys.Object(found.Level, found.Id), Stop);
        ObjectHeader.Verify(bytes);
        return ObjectFooter.Parse(bytes, bytes.Length);
    }

    private static Task<ErrorCode> DeleteTopicAsync(CompactionWorld world, TopicPartition partition) =>
        world.Streams.Region.SequencerOf(partition).AskAsync<ErrorCode>(
            reply => new SequencerMessage.DeleteTopic(partition.TopicId, reply), StreamsWorld.Patience, Stop);

    private static Task<DeleteRecordsReply> DeleteRecordsAsync(CompactionWorld world, TopicPartition partition, long offset) =>
        world.Streams.Region.SequencerOf(partition).AskAsync<DeleteRecordsReply>(
            reply => new SequencerMessage.DeleteRecords(partition, offset, reply), StreamsWorld.Patience, Stop);
}

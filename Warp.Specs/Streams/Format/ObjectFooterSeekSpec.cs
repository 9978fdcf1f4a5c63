using Warp.Streams.Format;
using Xunit;

namespace Warp.Specs.Streams.Format;

/// <summary>
/// Seeking against the truth: batches of one partition, some of them refused by the sequencer, which leaves runs of batches that are
/// adjacent in bytes and in offsets.
/// </summary>
public sealed class ObjectFooterSeekSpec
{
    private sealed record Written(long Position, int Length, int RecordCount, long MaxTimestamp);

    [Fact]
    public void Seeking_an_offset_lands_in_the_run_at_a_batch_before_it_whose_offset_is_right()
    {
        Random random = TestSeed.Random();
        for (int round = 0; round < 300; round++)
        {
            using EncodedObject encoded = Sample(random, out List<Written> batches);
            ObjectFooter footer = ObjectFooter.Parse(encoded.ToArray(), encoded.Length);
            HashSet<long> entries = [.. footer.IndexOf(footer.Extents[1]).ToArray().Select(entry => entry.Position)];
            foreach (List<Written> run in Runs(random, batches))
            {
                long total = run.Sum(batch => (long)batch.RecordCount);
                foreach (long wanted in new[] { 0, total - 1, random.NextInt64(total), random.NextInt64(total) })
                {
                    FooterPosition found = footer.Seek(ObjectSamples.Topic(1), 1, run[0].Position, wanted);
                    long distance = AssertOnBatch(run, found, batch => OffsetOf(run, batch) + batch.RecordCount > wanted);
                    Assert.True(found.RelativeOffset <= wanted);
                    if (entries.Contains(run[0].Position))
                        Assert.InRange(distance, 0, ObjectFormat.IndexSpanBytes);
                }
            }
        }
    }

    [Fact]
    public void Seeking_a_timestamp_lands_in_the_run_at_or_before_the_first_batch_that_reaches_it()
    {
        Random random = TestSeed.Random();
        for (int round = 0; round < 300; round++)
        {
            using EncodedObject encoded = Sample(random, out List<Written> batches);
            ObjectFooter footer = ObjectFooter.Parse(encoded.ToArray(), encoded.Length);
            foreach (List<Written> run in Runs(random, batches))
            {
                long length = run[^1].Position + run[^1].Length - run[0].Position;
                long wanted = batches[random.Next(batches.Count)].MaxTimestamp + random.Next(-1, 2);
                FooterPosition? found = footer.SeekTimestamp(ObjectSamples.Topic(1), 1, run[0].Position, length, wanted);
                bool exists = run.Any(batch => batch.MaxTimestamp >= wanted);
                if (found is { } position)
                    AssertOnBatch(run, position, batch => batch.MaxTimestamp >= wanted);
                Assert.True(found is not null || !exists);
            }
        }
    }

    [Fact]
    public void Seeking_a_timestamp_that_nothing_in_the_object_reaches_finds_nothing()
    {
        Random random = TestSeed.Random();
        using EncodedObject encoded = Sample(random, out List<Written> batches);
        FooterExtent extent = encoded.Footer().Extents[1];
        long wanted = batches.Max(batch => batch.MaxTimestamp) + 1;
        Assert.Null(encoded.Footer().SeekTimestamp(extent.TopicId, extent.Partition, extent.Position, extent.Length, wanted));
    }

    [Fact]
    public void Seeking_an_absolute_offset_lands_in_any_run_at_or_before_the_batch_that_has_it_or_comes_next()
    {
        Random random = TestSeed.Random();
        for (int round = 0; round < 100; round++)
        {
            var builder = new FooterBuilder(default, ObjectSamples.CreatedAt, "c", ObjectFlags.AbsoluteOffsets);
            var batches = new List<(long Position, long Base, int Count)>();
            long next = random.Next(1000);
            for (int i = 0; i < 60; i++)
            {
                next += random.Next(3) == 0 ? random.Next(100) : 0;
                int count = random.Next(1, 50);
                int length = random.Next(1, 40_000);
                batches.Add((builder.Add(ObjectSamples.Topic(1), 1, length, count, 1, next, count), next, count));
                next += count;
            }
            ObjectFooter footer = builder.Build(out _);
            for (int i = 0; i < 50; i++)
            {
                int first = random.Next(batches.Count);
                long wanted = random.NextInt64(batches[first].Base, next);

                long found = footer.SeekOffset(ObjectSamples.Topic(1), 1, batches[first].Position, wanted);

                int at = batches.FindIndex(batch => batch.Position == found);
                int holder = batches.FindIndex(batch => batch.Base + batch.Count > wanted);
                Assert.InRange(at, first, Math.Max(first, holder));
                Assert.InRange(batches[holder].Position - found, 0, 2 * ObjectFormat.IndexSpanBytes);
            }
        }
    }

    [Fact]
    public void A_run_that_the_object_does_not_hold_is_called_corrupt()
    {
        Random random = TestSeed.Random();
        using EncodedObject encoded = Sample(random, out _);
        ObjectFooter footer = encoded.Footer();
        FooterExtent extent = footer.Extents[1];
        Assert.Throws<CorruptObjectException>(() => footer.Seek(ObjectSamples.Topic(5), 1, extent.Position, 0));
        Assert.Throws<CorruptObjectException>(() => footer.Seek(extent.TopicId, 2, extent.Position, 0));
        Assert.Throws<CorruptObjectException>(() => footer.Seek(extent.TopicId, 1, extent.Position - 1, 0));
        Assert.Throws<CorruptObjectException>(() => footer.SeekTimestamp(extent.TopicId, 1, extent.End, 1, 0));
    }

    /// <summary>Partition 1 of topic 1, with others before and after it.</summary>
    private static EncodedObject Sample(Random random, out List<Written> batches)
    {
        int scale = random.Next(2) == 0 ? 3000 : 60_000;
        BatchToWrite[] middle =
        [
            .. Enumerable.Range(0, random.Next(1, 60)).Select(_ =>
                ObjectSamples.Batch(random, 1, 1, random.Next(1, scale), random.Next(1, 100), random.Next(1000))),
        ];
        EncodedObject encoded = ObjectSamples.Encode(
            random, [.. middle, ObjectSamples.Batch(random, 1, 0, 500), ObjectSamples.Batch(random, 2, 0, 500)]);
        batches = [.. middle.Select((batch, i) =>
            new Written(encoded.Positions[i], batch.Bytes.Length, batch.RecordCount, batch.MaxTimestamp))];
        return encoded;
    }

    /// <summary>Refuses some batches; what is left between them are the runs.</summary>
    private static IEnumerable<List<Written>> Runs(Random random, List<Written> batches)
    {
        int oneRefusedIn = random.Next(2, 20);
        List<Written> run = [];
        foreach (Written batch in batches)
        {
            if (random.Next(oneRefusedIn) != 0)
            {
                run.Add(batch);
                continue;
            }
            if (run.Count > 0)
                yield return run;
            run = [];
        }
        if (run.Count > 0)
            yield return run;
    }

    /// <summary>The place is a batch of the run, with its true offset, not after the wanted one. Returns the bytes between.</summary>
    private static long AssertOnBatch(List<Written> run, FooterPosition found, Func<Written, bool> isWanted)
    {
        Written batch = Assert.Single(run, batch => batch.Position == found.Position);
        Assert.Equal(OffsetOf(run, batch), found.RelativeOffset);
        Written? wanted = run.FirstOrDefault(isWanted);
        Assert.True(wanted is null || found.Position <= wanted.Position);
        return wanted is null ? 0 : wanted.Position - found.Position;
    }

    private static long OffsetOf(List<Written> run, Written batch) =>
        run.TakeWhile(other => other != batch).Sum(other => (long)other.RecordCount);
}

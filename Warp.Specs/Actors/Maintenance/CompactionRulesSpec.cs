using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Maintenance;

public sealed class CompactionRulesSpec
{
    private const long MiB = 1 << 20;

    private static readonly DateTimeOffset s_now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly CompactionPlannerSettings s_settings = new(TimeSpan.FromMinutes(1), 32, 128 * MiB, 1024 * MiB);

    private readonly Random _random = new(1);

    [Fact]
    public void Fresh_objects_are_gathered_oldest_first_until_an_output_is_full()
    {
        CompactionCandidate[] objects = Many(40, 0, 8 * MiB);
        List<CompactionGroup> groups = Choose([.. objects.Reverse()]);

        Assert.Equal([(1, 16), (1, 16)], groups.Select(static group => (group.Level, group.Objects.Count)));
        Assert.Equal(objects[..32], groups.SelectMany(static group => group.Objects));
        Assert.All(groups, static group => Assert.Equal(128 * MiB, group.TargetBytes));
    }

    [Fact]
    public void Few_small_objects_wait_until_they_are_enough_or_old_or_somebody_says_so()
    {
        CompactionCandidate[] few = Many(31, 0, 10_000);
        Assert.Empty(Choose(few));
        Assert.Equal(31, Assert.Single(Choose(few, force: true)).Objects.Count);
        Assert.Equal(32, Assert.Single(Choose([.. few, New(0, 10_000)])).Objects.Count);
        CompactionCandidate old = New(0, 10_000, TimeSpan.FromMinutes(60));
        Assert.Equal([old, few[0]], Assert.Single(Choose([few[0], old])).Objects);
    }

    [Fact]
    public void One_object_alone_is_left_alone_unless_it_is_mostly_dead()
    {
        Assert.Empty(Choose([New(0, 1000, TimeSpan.FromDays(9))], force: true));
        Assert.Empty(Choose([New(1, 1000)], force: true));
        CompactionCandidate dead = New(1, 200 * MiB) with { LiveBytes = 90 * MiB };
        AssertGroup(1, [dead], Assert.Single(Choose([dead])));
        CompactionCandidate large = New(2, 1000 * MiB) with { LiveBytes = 400 * MiB };
        AssertGroup(2, [large], Assert.Single(Choose([large])));
    }

    [Fact]
    public void Small_objects_of_level_1_are_merged_with_eight_of_their_size()
    {
        CompactionCandidate[] tiny = Many(8, 1, 100_000);
        CompactionCandidate[] medium = Many(7, 1, 10 * MiB);

        AssertGroup(1, tiny, Assert.Single(Choose([.. tiny, .. medium])));
        Assert.Equal(2, Choose([.. tiny, .. medium], force: true).Count);
        Assert.Empty(Choose([.. tiny[1..], .. medium]));
    }

    [Fact]
    public void Full_objects_of_level_1_become_level_2_and_those_are_left_alone()
    {
        CompactionCandidate[] full = Many(9, 1, 120 * MiB);

        AssertGroup(2, full[..8], Assert.Single(Choose([.. full, .. Many(9, 2, 900 * MiB)])));
        Assert.Empty(Choose(full[..7]));
        Assert.Equal(1024 * MiB, Choose(full)[0].TargetBytes);
    }

    [Fact]
    public void Fresh_objects_that_are_large_count_as_what_their_size_makes_them()
    {
        Assert.Empty(Choose(Many(7, 0, 128 * MiB)));
        Assert.Equal((2, 8), (Choose(Many(9, 0, 128 * MiB))[0].Level, Choose(Many(9, 0, 128 * MiB))[0].Objects.Count));
    }

    [Fact]
    public void A_job_has_no_more_inputs_and_extents_than_memory_can_bear()
    {
        Assert.Equal([1000, 1000], Choose(Many(2010, 0, 100)).Select(static group => group.Objects.Count).Take(2));
        CompactionCandidate[] scattered = [.. Many(40, 0, 100).Select(static o => o with { Extents = 9000 })];
        Assert.Equal([11, 11, 11], Choose(scattered).Select(static group => group.Objects.Count));
    }

    [Fact]
    public void Groups_never_share_an_object_and_never_fill_more_than_an_output()
    {
        var random = new Random(TestRun.TakeSeed());
        for (int round = 0; round < 500; round++)
        {
            CompactionCandidate[] objects =
            [
                .. Enumerable.Range(0, random.Next(200)).Select(_ =>
                {
                    long size = random.NextInt64(1, 1L << random.Next(1, 31));
                    CompactionCandidate made = New(random.Next(3), size, TimeSpan.FromMinutes(random.Next(100)));
                    return made with { LiveBytes = random.NextInt64(1, size + 1), Extents = random.Next(1, 20_000) };
                }),
            ];
            List<CompactionGroup> groups = Choose(objects, force: random.Next(2) == 0);

            ObjectId[] chosen = [.. groups.SelectMany(static group => group.Objects).Select(static o => o.Id)];
            Assert.Equal(chosen.Length, chosen.Distinct().Count());
            foreach (CompactionGroup group in groups)
            {
                Assert.True(group.Objects.Count > 1 || group.Objects[0].IsMostlyDead);
                Assert.True(group.Objects.Count == 1 || group.Objects.Sum(static o => o.LiveBytes) <= group.TargetBytes);
                Assert.InRange(group.Level, 1, 2);
            }
        }
    }

    [Fact]
    public void Each_byte_is_copied_a_few_times_in_its_life()
    {
        // A day of a quiet cluster: an object of 20 KB a second, looked at every minute.
        var objects = new List<CompactionCandidate>();
        DateTimeOffset now = s_now;
        long written = 0;
        long copied = 0;
        for (int minute = 0; minute < 24 * 60; minute++, now += TimeSpan.FromMinutes(1))
        {
            for (int i = 0; i < 60; i++)
                objects.Add(New(0, 20_000, s_now - now));
            written += 60 * 20_000;
            foreach (CompactionGroup group in CompactionRules.Choose(objects, s_settings, now, force: false))
            {
                long bytes = group.Objects.Sum(static o => o.LiveBytes);
                copied += bytes;
                objects.RemoveAll(group.Objects.Contains);
                objects.Add(New(group.Level, bytes, s_now - now));
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{written} written, {copied} copied, {objects.Count} objects");
        Assert.InRange(copied / (double)written, 1, 5);
        Assert.InRange(objects.Count, 1, 60);
    }

    private static List<CompactionGroup> Choose(IEnumerable<CompactionCandidate> objects, bool force = false) =>
        CompactionRules.Choose(objects, s_settings, s_now, force);

    private static void AssertGroup(int level, CompactionCandidate[] objects, CompactionGroup actual)
    {
        Assert.Equal(level, actual.Level);
        Assert.Equal(objects, actual.Objects);
    }

    private CompactionCandidate[] Many(int count, int level, long bytes) => [.. Enumerable.Range(0, count)
        .Select(i => New(level, bytes, TimeSpan.FromMinutes(10) - TimeSpan.FromMilliseconds(i)))];

    private CompactionCandidate New(int level, long bytes, TimeSpan age = default) =>
        new(ObjectId.Mint(s_now - age, _random), level, bytes, bytes, 1);
}

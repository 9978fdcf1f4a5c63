using Warp.Actors.Groups.Assignors;
using Warp.Actors.Sequencing;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Groups.Assignors;

/// <summary>What holds for every assignment of random groups, and how the two assignors differ.</summary>
public sealed class AssignorsSpec
{
    private const int Problems = 2_000;

    private static readonly UniformAssignor s_uniform = new();
    private static readonly RangeAssignor s_range = new();

    public static TheoryData<string> Names => [.. PartitionAssignors.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_partition_goes_to_one_of_its_subscribers_and_only_to_one(string name) => ForMany(random =>
    {
        AssignmentProblem problem = RandomProblem(random, isHomogeneous: random.Next(2) == 0);
        var solution = PartitionAssignors.Get(name).Assign(problem);
        AssertValid(problem, solution);
        Assert.Equal(Text(solution), Text(PartitionAssignors.Get(name).Assign(problem)));
    });

    [Fact]
    public void Equal_subscriptions_get_shares_that_differ_by_one_at_most_and_nothing_moves_that_need_not() => ForMany(random =>
    {
        AssignmentProblem problem = RandomProblem(random, isHomogeneous: true);
        var solution = s_uniform.Assign(problem);
        int[] sizes = [.. solution.Values.Select(static share => share.Count)];
        Assert.True(sizes.Max() - sizes.Min() <= 1, string.Join(' ', sizes));

        int total = sizes.Sum();
        var (least, larger) = Math.DivRem(total, sizes.Length);
        int[] held = [.. problem.Members.Select(member => member.Current.Count(partition => Exists(problem, partition))).OrderDescending()];
        int canStay = held.Select((count, i) => Math.Min(count, least + (i < larger ? 1 : 0))).Sum();
        int stayed = problem.Members.Sum(member => solution[member.Id].Count(member.Current.Contains));
        Assert.Equal(canStay, stayed);
    });

    [Fact]
    public void Different_subscriptions_get_shares_that_no_single_move_makes_more_equal() => ForMany(random =>
    {
        AssignmentProblem problem = RandomProblem(random, isHomogeneous: false);
        var solution = s_uniform.Assign(problem);
        foreach (AssignmentMember owner in problem.Members)
        {
            foreach (Guid topic in solution[owner.Id].Select(static partition => partition.TopicId).Distinct())
            {
                foreach (AssignmentMember other in problem.Members.Where(member => member.Topics.Contains(topic)))
                    Assert.True(solution[owner.Id].Count <= solution[other.Id].Count + 1, "a partition could move");
            }
        }
    });

    [Fact]
    public void What_is_assigned_already_stays_where_it_is() => ForMany(random =>
    {
        AssignmentProblem problem = RandomProblem(random, isHomogeneous: random.Next(2) == 0);
        var first = s_uniform.Assign(problem);
        var again = s_uniform.Assign(problem with
        {
            Members = [.. problem.Members.Select(member => member with { Current = [.. first[member.Id]] })],
        });
        Assert.Equal(Text(first), Text(again));
    });

    [Fact]
    public void Ranges_are_consecutive_and_alike_in_topics_that_are_alike()
    {
        AssignmentProblem problem = Problem([7, 7, 3], "a b c", static _ => [0, 1, 2]);
        var solution = s_range.Assign(problem);
        Assert.Equal([0, 1, 2], Of(solution["a"], 0));
        Assert.Equal([3, 4], Of(solution["b"], 0));
        Assert.Equal([5, 6], Of(solution["c"], 0));
        Assert.All(solution.Values, share => Assert.Equal(Of(share, 0), Of(share, 1)));
        Assert.Equal([1], Of(solution["b"], 2));
    }

    [Fact]
    public void A_static_member_keeps_its_range_under_a_new_member_id()
    {
        AssignmentProblem problem = Problem([6], "a b", static _ => [0]);
        AssignmentMember one = problem.Members[0] with { InstanceId = "i1" };
        AssignmentMember two = problem.Members[1] with { InstanceId = "i2" };
        var before = s_range.Assign(problem with { Members = [one, two] });
        var after = s_range.Assign(problem with { Members = [two, one with { Id = "z" }] });
        Assert.Equal(before["a"], after["z"]);
        Assert.Equal(before["b"], after["b"]);
    }

    private static IEnumerable<int> Of(IReadOnlyCollection<TopicPartition> share, int topic) =>
        share.Where(partition => partition.TopicId == GroupBench.TopicId(topic)).Select(static partition => partition.Partition);

    private static void AssertValid(AssignmentProblem problem, IReadOnlyDictionary<string, IReadOnlyCollection<TopicPartition>> solution)
    {
        Assert.Equal(problem.Members.Select(static member => member.Id).Order(), solution.Keys.Order());
        foreach (AssignmentMember member in problem.Members)
            Assert.All(solution[member.Id], partition => Assert.Contains(partition.TopicId, member.Topics));
        var all = solution.Values.SelectMany(static share => share).ToList();
        Assert.Equal(all.Count, all.Distinct().Count());
        var expected = problem.PartitionCounts
            .Where(topic => problem.Members.Any(member => member.Topics.Contains(topic.Key)))
            .SelectMany(static topic => Enumerable.Range(0, topic.Value).Select(i => new TopicPartition(topic.Key, i)));
        Assert.Equal(expected.ToHashSet(), all.ToHashSet());
    }

    private static bool Exists(AssignmentProblem problem, TopicPartition partition) =>
        problem.Members[0].Topics.Contains(partition.TopicId) && partition.Partition < problem.PartitionCounts[partition.TopicId];

    private static string Text(IReadOnlyDictionary<string, IReadOnlyCollection<TopicPartition>> solution) => string.Join('\n', solution.OrderBy(static entry => entry.Key)
        .Select(static entry => $"{entry.Key}: {string.Join(' ', entry.Value.Order(Comparer<TopicPartition>.Create(static (a, b) => (a.TopicId, a.Partition).CompareTo((b.TopicId, b.Partition)))))}"));

    private static AssignmentProblem Problem(int[] counts, string members, Func<string, int[]> topicsOf) => new(
        [.. members.Split(' ').Select(id => new AssignmentMember(id, null, topicsOf(id).Select(GroupBench.TopicId).ToHashSet(), []))],
        counts.Select(static (count, i) => (count, i)).ToDictionary(static entry => GroupBench.TopicId(entry.i), static entry => entry.count));

    /// <summary>Members with what an earlier assignment may have left them: partitions that are no more, topics unsubscribed, any shares.</summary>
    private static AssignmentProblem RandomProblem(Random random, bool isHomogeneous)
    {
        int[] counts = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(1, 12))];
        int[] all = [.. Enumerable.Range(0, counts.Length)];
        int[] common = [.. all.Where(_ => random.Next(3) > 0)];
        string members = string.Join(' ', Enumerable.Range(0, random.Next(1, 9)).Select(static i => $"m{i}"));
        AssignmentProblem problem = Problem(counts, members, _ => isHomogeneous ? common : [.. all.Where(_ => random.Next(3) > 0)]);
        List<TopicPartition> partitions = [.. all.SelectMany(topic => Enumerable.Range(0, counts[topic] + 2).Select(i => GroupBench.Partition(topic, i)))];
        var current = partitions.Where(_ => random.Next(4) > 0).ToLookup(_ => problem.Members[random.Next(problem.Members.Count)].Id);
        return problem with { Members = [.. problem.Members.Select(member => member with { Current = [.. current[member.Id]] })] };
    }

    private static void ForMany(Action<Random> check)
    {
        int seed = TestRun.TakeSeed();
        for (int i = 0; i < Problems; i++)
            check(new Random(HashCode.Combine(seed, i)));
    }
}

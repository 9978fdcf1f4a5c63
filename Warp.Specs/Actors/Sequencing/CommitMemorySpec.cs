using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>What a commit of a few batches of different partitions takes: a broker makes thousands of them for each GB.</summary>
public sealed class CommitMemorySpec
{
    private const int Partitions = 160;
    private const int BatchesPerCommit = 8;
    private const int Commits = 400;

    private static readonly Guid s_topic = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly DateTimeOffset s_now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_commit_takes_memory_for_what_is_remembered_of_it_and_for_nothing_else()
    {
        var state = new SequencerState(TimeSpan.FromMinutes(3));
        state.Apply(new PartitionsOpened { TopicId = s_topic, Partitions = [.. Enumerable.Range(0, Partitions)] });
        var rules = new CommitRules();
        var codec = new EventCodec(EventSpecs.All);
        using var writer = new WireWriter();
        var records = new EventRecord[1];
        IReadOnlyList<IEvent> events = [rules.Committed];
        ObjectCommit[] commits = [.. MakeCommits(2 * Commits)];
        // The first half makes room that is kept.
        foreach (ObjectCommit commit in commits[..Commits])
            Run(commit);

        var (decided, encoded, applied) = (0L, 0L, 0L);
        foreach (ObjectCommit commit in commits[Commits..])
        {
            (long d, long e, long a) = Run(commit);
            (decided, encoded, applied) = (decided + d, encoded + e, applied + a);
        }

        Assert.Equal((0, 0), (decided, encoded));
        // 28 to 34 for its extent, 17 for its answer, and what the dictionaries of objects grow by.
        Assert.InRange(applied / (Commits * BatchesPerCommit), 30, 90);

        (long Decided, long Encoded, long Applied) Run(ObjectCommit commit)
        {
            long start = GC.GetAllocatedBytesForCurrentThread();
            CommitDecision decision = rules.Decide(state, commit, s_now, TimeSpan.FromMinutes(2));
            long decidedAt = GC.GetAllocatedBytesForCurrentThread();
            writer.Clear();
            codec.EncodeAll(events, short.MaxValue, writer, records);
            long encodedAt = GC.GetAllocatedBytesForCurrentThread();
            state.Apply(decision.Committed!);
            return (decidedAt - start, encodedAt - decidedAt, GC.GetAllocatedBytesForCurrentThread() - encodedAt);
        }
    }

    private static IEnumerable<ObjectCommit> MakeCommits(int count)
    {
        var node = new Committer(new NodeIncarnation(1, 1), new Random(1), static () => s_now);
        int partition = 0;
        int[] sequences = new int[Partitions];
        for (int i = 0; i < count; i++)
            yield return node.Next([.. Enumerable.Range(0, BatchesPerCommit).Select(_ => NextBatch())]);

        BatchToCommit NextBatch()
        {
            int number = partition++ % Partitions;
            sequences[number] += 16;
            return From(new TopicPartition(s_topic, number), 7, sequences[number] - 16, 16) with { MaxTimestamp = s_now.ToUnixTimeMilliseconds() };
        }
    }
}

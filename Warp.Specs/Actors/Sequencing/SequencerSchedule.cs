using System.Globalization;
using System.Text;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>One random life of a sequencer, step by step beside its model.</summary>
internal sealed class SequencerSchedule
{
    private static readonly long[] s_producers = [1, 2, 3];

    private readonly Random _random;
    private readonly SequencerCore _core = new();
    private readonly SequencerModel _model = new();
    private readonly List<Committer> _nodes = [];
    private readonly List<Guid> _topics = [];
    private readonly List<(ObjectCommit Commit, (ErrorCode Error, long Offset)?[] Answers)> _commits = [];
    private readonly List<(int Commit, int Index)> _held = [];
    private readonly Dictionary<(TopicPartition, long), List<(int First, int Count, short Epoch)>> _sent = [];
    private readonly List<ExtentReplacement> _plans = [];
    private readonly List<(ExtentReplacement Swap, PartitionRefusal[] Answers)> _swaps = [];
    private long _latestMs;

    public SequencerSchedule(int seed)
    {
        _random = new Random(seed);
        for (int node = 1; node <= 2; node++)
            _nodes.Add(_core.NewCommitter(new NodeIncarnation(node, 1), _random));
        OpenTopic();
        OpenTopic();
    }

    /// <summary>How many batches got offsets, so that a test can tell whether anything happened.</summary>
    public int Accepted { get; private set; }

    /// <summary>How many partitions took the extents of a swap, and how many did not.</summary>
    public (int Done, int Refused) Swapped { get; private set; }

    public void Run(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            Step();
            Check();
        }
        Assert.Equal(Describe(_core.State), Describe(_core.Replayed()));
    }

    private void Step()
    {
        _core.Now += TimeSpan.FromMilliseconds(_random.Next(20) == 0 ? _random.Next(-300_000, 300_000) : _random.Next(2_000));
        switch (_random.Next(20))
        {
            case 0 when _commits.Count > 0:
                Repeat();
                break;
            case 1:
                DeleteRecords();
                break;
            case 2 when _random.Next(4) == 0:
                DeleteTopic();
                break;
            case 3:
                ExpireProducers();
                break;
            case 4:
                Refused();
                break;
            case 5:
                _core.Restart();
                break;
            case 10:
                PlanSwap();
                break;
            case 11 when _plans.Count > 0:
                Swap();
                break;
            case 12 when _swaps.Count > 0:
                RepeatSwap();
                break;
            case >= 6 and <= 9 when _held.Count > 0:
                RetryHeld();
                break;
            default:
                Commit();
                break;
        }
    }

    private void Commit()
    {
        ObjectCommit commit = _nodes[_random.Next(_nodes.Count)].Next([.. Enumerable.Range(0, _random.Next(1, 6)).Select(_ => NewBatch())]);
        CommitDecision decision = _core.Commit(commit);
        Assert.Equal(CommitRefusal.None, decision.Refusal);
        Note();
        var answers = new (ErrorCode, long)?[commit.Batches.Count];
        for (int i = 0; i < answers.Length; i++)
        {
            answers[i] = Take(commit, i, patienceIsOver: false);
            if (answers[i] is null)
                _held.Add((_commits.Count, i));
        }
        _commits.Add((commit, answers));
        Assert.Equal(_held.Where(held => held.Commit == _commits.Count - 1).Select(static held => held.Index), decision.Held.Order());
        AssertAnswers(answers, _core.State.FindCommit(commit.ObjectId)!);
    }

    private void RetryHeld()
    {
        int which = _random.Next(_held.Count);
        (int number, int index) = _held[which];
        (ObjectCommit commit, (ErrorCode, long)?[] answers) = _commits[number];
        long ageMs = Math.Max(_latestMs, _core.Now.ToUnixTimeMilliseconds()) - commit.ObjectId.Time.ToUnixTimeMilliseconds();
        if (ageMs > SequencerCore.Deadline.TotalMilliseconds)
        {
            // The journal refuses it, as the commit itself.
            _held.RemoveAt(which);
            return;
        }
        Patience patience = _random.Next(2) == 0 ? Patience.AtAnEnd : Patience.Wait;
        BatchAnswer? answer = _core.Retry(commit, index, patience);
        if (answer is not null)
            Note();
        answers[index] = Take(commit, index, patience == Patience.AtAnEnd);
        Assert.Equal(answers[index], answer is { } got ? (got.Error, got.BaseOffset) : null);
        if (answer is not null)
            _held.RemoveAt(which);
    }

    /// <summary>However late a commit is repeated, it gets its first answers or is refused; it is never taken again.</summary>
    private void Repeat()
    {
        (ObjectCommit commit, (ErrorCode, long)?[] answers) = _commits[_random.Next(_commits.Count)];
        CommitDecision decision = _core.Commit(commit);
        Assert.Null(decision.Committed);
        if (decision.Repeated is { } repeated)
            AssertAnswers(answers, repeated);
        else
            Assert.NotEqual(CommitRefusal.None, decision.Refusal);
        if (_latestMs - commit.ObjectId.Time.ToUnixTimeMilliseconds() <= SequencerCore.Deadline.TotalMilliseconds)
            Assert.NotNull(decision.Repeated);
    }

    private void Refused()
    {
        Committer node = _nodes[_random.Next(_nodes.Count)];
        bool late = _random.Next(2) == 0;
        ObjectCommit commit = node.At(
            _core.Now + (late ? -SequencerCore.Deadline - TimeSpan.FromMilliseconds(1) : TimeSpan.FromSeconds(6)), NewBatch());
        Assert.Equal(late ? CommitRefusal.TooLate : CommitRefusal.FromTheFuture, _core.Commit(commit).Refusal);
        node.GiveUp();
        ObjectCommit missing = node.Next(NewBatch());
        Assert.Equal(
            CommitRefusal.OutOfTurn,
            _core.Commit(missing with { PreviousNumber = missing.PreviousNumber + 1, Number = missing.Number + 1 }).Refusal);
        node.GiveUp();
    }

    /// <summary>A worker looks what there is, and copies it. Until it comes back much may happen.</summary>
    private void PlanSwap()
    {
        HashSet<ObjectId> inputs = [.. _core.State.Objects.Keys.Where(_ => _random.Next(2) == 0)];
        if (inputs.Count > 0)
            _plans.Add(SampleSwap.Of(_core.State.FindExtents(inputs), _core.Now, _random));
    }

    private void Swap()
    {
        int which = _random.Next(_plans.Count);
        long nowMs = Math.Max(_latestMs, _core.Now.ToUnixTimeMilliseconds());
        var swapId = ObjectId.Mint(DateTimeOffset.FromUnixTimeMilliseconds(nowMs), _random);
        ExtentReplacement swap = _plans[which] with { SwapId = swapId };
        _plans.RemoveAt(which);
        SwapDecision decision = _core.Swap(swap);
        Note();
        PartitionRefusal[] expected = [.. swap.Partitions.Select(Expect)];
        Assert.Equal(SwapRefusal.None, decision.Refusal);
        Assert.Equal(expected, decision.Answers);
        Assert.NotNull(decision.Replaced);
        _swaps.Add((swap, expected));
        int done = expected.Count(static refusal => refusal == PartitionRefusal.None);
        Swapped = (Swapped.Done + done, Swapped.Refused + expected.Length - done);

        PartitionRefusal Expect(PartitionReplacement partition) =>
            !_model.Partitions.TryGetValue(partition.Partition, out SequencerModel.Partition? log) ? PartitionRefusal.UnknownPartition
            : log.Replace(partition) ? PartitionRefusal.None
            : PartitionRefusal.ExtentsMissing;
    }

    /// <summary>However late a swap is repeated, it gets its first answers or is refused; it is never done again.</summary>
    private void RepeatSwap()
    {
        (ExtentReplacement swap, PartitionRefusal[] answers) = _swaps[_random.Next(_swaps.Count)];
        SwapDecision decision = _core.Swap(swap);
        Assert.Null(decision.Replaced);
        if (decision.Refusal == SwapRefusal.None)
            Assert.Equal(answers, decision.Answers);
        if (_latestMs - swap.SwapId.Time.ToUnixTimeMilliseconds() <= SequencerCore.Deadline.TotalMilliseconds)
            Assert.Equal(SwapRefusal.None, decision.Refusal);
    }

    private void DeleteRecords()
    {
        (TopicPartition key, SequencerModel.Partition partition) = _model.Partitions.ElementAt(_random.Next(_model.Partitions.Count));
        long offset = _random.NextInt64(0, partition.Next + 1);
        _core.DeleteRecords(key, offset);
        Note();
        partition.MoveStart(offset);
    }

    private void DeleteTopic()
    {
        Guid topic = _topics[_random.Next(_topics.Count)];
        _core.DeleteTopic(topic);
        Note();
        _model.Delete(topic);
        _topics.Remove(topic);
        OpenTopic();
    }

    private void ExpireProducers()
    {
        TimeSpan age = TimeSpan.FromSeconds(_random.Next(60));
        _core.ExpireProducers(age);
        Note();
        _model.ExpireProducers((_core.Now - age).ToUnixTimeMilliseconds());
    }

    private void OpenTopic()
    {
        var bytes = new byte[16];
        _random.NextBytes(bytes);
        var topic = new Guid(bytes);
        _topics.Add(topic);
        _core.Open(topic, 0, 1);
        Note();
        _model.Open(new TopicPartition(topic, 0));
        _model.Open(new TopicPartition(topic, 1));
    }

    /// <summary>
    /// What a client might send: mostly its next batch, at times one again, one too early, one of another epoch, or nonsense.
    /// </summary>
    private BatchToCommit NewBatch()
    {
        var partition = new TopicPartition(_topics[_random.Next(_topics.Count)], _random.Next(20) == 0 ? 9 : _random.Next(2));
        int count = _random.Next(1, 4);
        if (_random.Next(4) == 0)
            return Committer.Batch(partition, count, _random.Next(1000));
        long producer = s_producers[_random.Next(s_producers.Length)];
        if (!_sent.TryGetValue((partition, producer), out List<(int First, int Count, short Epoch)>? sent))
            _sent.Add((partition, producer), sent = [(_random.Next(3) == 0 ? int.MaxValue - _random.Next(8) : -1, 1, 0)]);
        (int last, int lastCount, short epoch) = sent[^1];
        int next = (int)((last + (long)lastCount) & int.MaxValue);
        int kind = _random.Next(20);
        if (kind < 4)
        {
            (int First, int Count, short Epoch) again = sent[_random.Next(Math.Max(0, sent.Count - 7), sent.Count)];
            return Committer.From(partition, producer, Math.Max(0, again.First), again.Count, again.Epoch);
        }
        (int first, epoch) = kind switch
        {
            4 => ((next + _random.Next(1, 5)) & int.MaxValue, epoch),
            5 => (0, (short)(epoch + 1)),
            6 => (_random.Next(5), (short)(epoch + 1)),
            7 => (next, (short)Math.Max(0, epoch - 1)),
            8 => (_random.Next(), epoch),
            _ => (next, epoch),
        };
        // A gap is left open on purpose half of the time: the client's next batch then fills it.
        if (kind != 4 || _random.Next(2) == 0)
            sent.Add((first, count, epoch));
        return Committer.From(partition, producer, first, count, epoch);
    }

    private (ErrorCode Error, long Offset)? Take(ObjectCommit commit, int index, bool patienceIsOver)
    {
        long before = _model.Partitions.Values.Sum(static partition => partition.Next);
        (ErrorCode, long)? answer = _model.Take(commit.ObjectId, commit.Batches[index], patienceIsOver, _latestMs);
        if (_model.Partitions.Values.Sum(static partition => partition.Next) > before)
            Accepted++;
        return answer;
    }

    /// <summary>An event was journaled: time, as the fold keeps it, does not go back.</summary>
    private void Note() => _latestMs = Math.Max(_latestMs, _core.Now.ToUnixTimeMilliseconds());

    private static void AssertAnswers((ErrorCode Error, long Offset)?[] expected, RecentCommit actual) =>
        Assert.Equal(
            expected, actual.Answers.Select(static answer => answer is { } got ? ((ErrorCode, long)?)(got.Error, got.BaseOffset) : null));

    private void Check()
    {
        SequencerState state = _core.State;
        Assert.Equal(_latestMs, state.TimeMs);
        Assert.Equal(_model.Partitions.Keys.ToHashSet(), state.Logs.Select(static log => log.Key).ToHashSet());
        foreach ((TopicPartition key, SequencerModel.Partition partition) in _model.Partitions)
            CheckLog(partition, state.Find(key)!);
        HashSet<ObjectId> live = _model.LiveObjects();
        Assert.Equal(live, state.Objects.Keys.ToHashSet());
        Assert.Equal(live, _core.Referenced);
        foreach ((ObjectId id, SequencerState.ObjectUse use) in state.Objects)
            Assert.Equal(state.Logs.Sum(log => log.Extents.ToArray().Count(extent => extent.ObjectId == id)), use.Extents);
    }

    private static void CheckLog(SequencerModel.Partition partition, PartitionLog log)
    {
        Assert.Equal((partition.Start, partition.Next), (log.LogStartOffset, log.NextOffset));
        Extent[] extents = log.Extents.ToArray();
        Assert.Equal(extents.Sum(static extent => extent.Length), log.SizeBytes);
        if (extents.Length == 0)
            Assert.Equal(partition.Start, partition.Next);
        else
        {
            Assert.InRange(partition.Start, extents[0].BaseOffset, extents[0].LastOffset);
            Assert.Equal(partition.Next - 1, extents[^1].LastOffset);
        }
        for (int i = 1; i < extents.Length; i++)
            Assert.True(extents[i - 1].LastOffset + 1 == extents[i].BaseOffset && !extents[i - 1].IsContinuedBy(extents[i]));
        foreach ((long first, long last, ObjectId objectId, long position, int length) in partition.Written)
        {
            if (last < partition.Start)
                continue;
            Extent extent = extents[log.FindExtent(first)];
            Assert.True(extent.ObjectId == objectId && extent.BaseOffset <= first && last <= extent.LastOffset);
            Assert.True(extent.Position <= position && position + length <= extent.Position + extent.Length);
        }
        Assert.Equal(partition.Producers.Keys.ToHashSet(), log.Producers.Keys.ToHashSet());
        foreach ((long id, SequencerModel.Producer producer) in partition.Producers)
        {
            ProducerState state = log.ProducerOf(id);
            Assert.Equal((producer.Epoch, producer.LastWriteMs), (state.Epoch, state.LastWriteMs));
            Assert.Equal(
                producer.Batches.TakeLast(5).Select(static batch => ((int)batch.First, batch.Offset)),
                Enumerable.Range(0, state.Count).Select(i => (state[i].FirstSequence, state[i].BaseOffset)));
        }
    }

    /// <summary>All of a state as text, in an order of its own.</summary>
    private static string Describe(SequencerState state)
    {
        SequencerSnapshot snapshot = state.ToSnapshot(version: 0);
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"time {snapshot.Time}");
        foreach (SequencerSnapshot.PartitionSnapshot log in snapshot.Partitions.OrderBy(static log => (log.TopicId, log.Partition)))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{log.TopicId}-{log.Partition} {log.LogStartOffset}..{log.NextOffset}");
            foreach (SequencerSnapshot.ExtentSnapshot e in log.Extents)
                text.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"  {e.BaseOffset}+{e.OffsetCount} {e.Source} {e.ObjectId} {e.Position}+{e.Length} {e.MaxTimestamp}");
            foreach (SequencerSnapshot.ProducerSnapshot p in log.Producers.OrderBy(static p => p.ProducerId))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"  {p.ProducerId}/{p.Epoch} {p.LastWrite}");
                foreach (SequencerSnapshot.ProducerBatchSnapshot b in p.Batches)
                    text.AppendLine(CultureInfo.InvariantCulture, $"    {b.FirstSequence}-{b.LastSequence}@{b.BaseOffset}");
            }
        }
        foreach (SequencerSnapshot.ObjectSnapshot o in snapshot.Objects.OrderBy(static o => o.ObjectId))
            text.AppendLine(CultureInfo.InvariantCulture, $"object {o.ObjectId} {o.SizeBytes} {o.Level}");
        foreach (SequencerSnapshot.DeletedTopicSnapshot t in snapshot.DeletedTopics)
            text.AppendLine(CultureInfo.InvariantCulture, $"deleted {t.TopicId} {t.Time}");
        foreach (SequencerSnapshot.NodeCommitsSnapshot n in snapshot.Nodes.OrderBy(static n => (n.NodeId, n.Incarnation)))
            text.AppendLine(CultureInfo.InvariantCulture, $"node {n.NodeId}/{n.Incarnation} {n.LastNumber} {n.Time}");
        foreach (SequencerSnapshot.RecentCommitSnapshot c in snapshot.RecentCommits)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"commit {c.ObjectId} {c.Time} {c.BatchCount}");
            foreach (SequencerSnapshot.AnswerSnapshot a in c.Answers)
                text.AppendLine(CultureInfo.InvariantCulture, $"  {a.Index} {a.Error} {a.BaseOffset}");
        }
        foreach (SequencerSnapshot.RecentSwapSnapshot s in snapshot.RecentSwaps)
            text.AppendLine(CultureInfo.InvariantCulture, $"swap {s.SwapId} {s.Time} {string.Join(' ', s.Refusals)}");
        return text.ToString();
    }
}

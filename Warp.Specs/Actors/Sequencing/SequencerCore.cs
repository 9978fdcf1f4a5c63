using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>The rules and the state of a sequencer without the actor: what is decided is applied at once, and kept for a replay.</summary>
internal sealed class SequencerCore
{
    public static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(3);

    private static readonly EventCodec s_codec = new(EventSpecs.All);

    private readonly CommitRules _rules = new();

    public SequencerState State { get; private set; } = new(Memory);

    public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>All events so far, as bytes and back, which is how a recovery sees them.</summary>
    public List<IEvent> Events { get; } = [];

    /// <summary>The objects that the journal's rows would name for this shard.</summary>
    public HashSet<ObjectId> Referenced { get; } = [];

    private long NowMs => Now.ToUnixTimeMilliseconds();

    public Committer NewCommitter(NodeIncarnation node, Random random) => new(node, random, () => Now);

    public void Open(Guid topicId, params int[] partitions) =>
        Apply(new PartitionsOpened { Time = NowMs, TopicId = topicId, Partitions = [.. partitions] });

    public CommitDecision Commit(ObjectCommit commit)
    {
        CommitDecision decision = _rules.Decide(State, commit, Now, Deadline);
        Take(commit, decision);
        return decision;
    }

    /// <summary>Commits what is expected to be taken as a whole.</summary>
    public IReadOnlyList<BatchAnswer> Accept(ObjectCommit commit)
    {
        CommitDecision decision = Commit(commit);
        Assert.Equal((CommitRefusal.None, 0), (decision.Refusal, decision.Held.Count));
        return [.. State.FindCommit(commit.ObjectId)!.Answers.Select(static answer => answer!.Value)];
    }

    /// <summary>Looks at a held batch again, and gives its answer if it has one now.</summary>
    public BatchAnswer? Retry(ObjectCommit commit, int index, Patience patience)
    {
        CommitDecision decision = _rules.DecideHeld(State, commit, index, Now, patience);
        Take(commit, decision);
        return decision.Committed is null ? null : State.FindCommit(commit.ObjectId)!.AnswerOf(index);
    }

    public void DeleteTopic(Guid topicId)
    {
        Extent[] dropped = [.. State.Logs.Where(log => log.Key.TopicId == topicId).SelectMany(static log => log.Extents.ToArray())];
        Drop(State.ReferencesDroppedWith(dropped));
        Apply(new PartitionsDeleted { Time = NowMs, TopicId = topicId });
    }

    public void DeleteRecords(TopicPartition partition, long offset)
    {
        PartitionLog log = State.Find(partition)!;
        Drop(State.ReferencesDroppedWith(log.Extents[..log.FindExtent(offset)].ToArray()));
        Apply(new LogStartAdvanced { Time = NowMs, TopicId = partition.TopicId, Partition = partition.Partition, LogStartOffset = offset });
    }

    /// <summary>Decides a swap, and does to the journal's rows what it says.</summary>
    public SwapDecision Swap(ExtentReplacement swap)
    {
        SwapDecision decision = SwapRules.Decide(State, swap, Now, Deadline);
        if (decision.Replaced is null)
            return decision;
        foreach (ObjectReference reference in decision.References)
            Assert.True(reference.Change == ReferenceChange.Drop ? Referenced.Remove(reference.Id) : Referenced.Add(reference.Id));
        Apply(decision.Replaced);
        return decision;
    }

    public void ExpireProducers(TimeSpan age) =>
        Apply(new ProducersExpired { Time = NowMs, Cutoff = (Now - age).ToUnixTimeMilliseconds() });

    /// <summary>Goes on from a snapshot of the state, as after a restart.</summary>
    public void Restart()
    {
        byte[] bytes = EventCodec.EncodeSnapshot(State.ToSnapshot(), SequencerSnapshot.HighestVersion);
        State = new SequencerState(Memory);
        State.Restore(EventCodec.DecodeSnapshot("test", bytes, SequencerSnapshot.HighestVersion, SequencerSnapshot.Read));
    }

    /// <summary>A state made of the events alone.</summary>
    public SequencerState Replayed()
    {
        var replayed = new SequencerState(Memory);
        foreach (IEvent @event in Events)
            replayed.Apply(@event);
        return replayed;
    }

    private void Take(ObjectCommit commit, CommitDecision decision)
    {
        if (decision.Committed is null)
            return;
        if (decision.AnyAccepted)
            Referenced.Add(commit.ObjectId);
        Apply(decision.Committed);
    }

    private void Drop(List<ObjectReference> references)
    {
        foreach (ObjectReference reference in references)
            Assert.True(Referenced.Remove(reference.Id));
    }

    private void Apply(IEvent @event)
    {
        IEvent journaled = s_codec.Decode("test", s_codec.Encode(@event));
        Events.Add(journaled);
        State.Apply(journaled);
    }
}

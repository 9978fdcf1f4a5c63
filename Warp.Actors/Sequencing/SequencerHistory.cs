using Warp.Actors.Cluster;
using Warp.Actors.Persistence;

namespace Warp.Actors.Sequencing;

/// <summary>Reads what a sequencer has journaled without being one: for those who check, while nobody writes.</summary>
public static class SequencerHistory
{
    private static readonly EventCodec s_codec = new(EventSpecs.All);

    /// <summary>The name of a shard's sequencer in the journal.</summary>
    public static string PersistenceIdOf(int shardId) => $"sequencer-{shardId}";

    /// <summary>The state of a shard's sequencer as it would recover it.</summary>
    /// <exception cref="JournalException">The history is damaged, or written by a newer version.</exception>
    public static async Task<SequencerState> ReadAsync(
        IJournal journal, int shardId, TimeConstants times, CancellationToken cancellationToken)
    {
        string persistenceId = PersistenceIdOf(shardId);
        var state = new SequencerState(times.CommitDeadline + times.AnswerMemory);
        RecoveredJournal found = await journal.RecoverAsync(persistenceId, cancellationToken);
        if (found.Snapshot is { } snapshot)
            state.Restore(EventCodec.DecodeSnapshot(persistenceId, snapshot.Payload, SequencerSnapshot.HighestVersion, SequencerSnapshot.Read));
        foreach (EventRecord record in found.Events)
            state.Apply(s_codec.Decode(persistenceId, record));
        return state;
    }
}

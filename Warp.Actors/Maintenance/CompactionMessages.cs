using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Maintenance;

/// <summary>What the <see cref="CompactionPlanner"/> can be told or asked.</summary>
public abstract record CompactionMessage
{
    private CompactionMessage()
    {
    }

    /// <summary>A message that changes the journal; it waits for the write before it.</summary>
    public abstract record Command : CompactionMessage;

    /// <summary>
    /// A worker has nothing to do; it is answered when there is a job. What the same node had under way, in this life or an earlier one, is
    /// given up with it.
    /// </summary>
    public sealed record TakeJob(NodeIncarnation Worker, Reply<CompactionJob> Reply) : Command, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>A worker is still at it. The answer says whether the job is still its own.</summary>
    public sealed record RenewJob(Guid JobId, Reply<bool> Reply) : CompactionMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>A job is done.</summary>
    public sealed record FinishJob(Guid JobId, CompactionResult Result, Reply<bool> Reply) : Command, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>A job ended without result.</summary>
    /// <param name="JobId">The job.</param>
    /// <param name="Reason">What happened, as a sentence.</param>
    /// <param name="Culprit">The object that cannot be read, if that was it.</param>
    /// <param name="Reply">Answered once it is journaled.</param>
    public sealed record FailJob(Guid JobId, string Reason, ObjectId? Culprit, Reply<bool> Reply) : Command, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Begins no more jobs, or begins them again. Those under way go on.</summary>
    public sealed record SetPaused(bool IsPaused, Reply<CompactionStatus> Reply) : Command, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>
    /// Looks now, and merges what can be merged even if it gains little or failed lately. Answered once it is known what there is to do;
    /// while compaction is paused it stays at that.
    /// </summary>
    public sealed record RunNow(Reply<CompactionStatus> Reply) : CompactionMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>How are things?</summary>
    public sealed record Describe(Reply<CompactionStatus> Reply) : CompactionMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Gives what waits to be done to who waits to do it.</summary>
    internal sealed record Assign : Command;

    /// <summary>Gives up a job whose worker was not heard of, or lives no more.</summary>
    internal sealed record Abandon(Guid JobId, string Reason) : Command;
}

/// <summary>What the planner says of compaction. Counts are since it started.</summary>
/// <param name="IsPaused">Whether no jobs are begun.</param>
/// <param name="WaitingWorkers">Workers that have nothing to do.</param>
/// <param name="Running">The jobs under way.</param>
/// <param name="Waiting">Jobs that were found worth it and that nobody has taken yet.</param>
/// <param name="Objects">Objects that are in use, by level, as of the last look.</param>
/// <param name="Finished">Jobs that were finished.</param>
/// <param name="CompactedObjects">Their inputs.</param>
/// <param name="WrittenBytes">What they wrote.</param>
/// <param name="Failed">Jobs that were not.</param>
/// <param name="LastFailure">What became of the last one that was not.</param>
/// <param name="LastLookAt">When it was last looked for something to do.</param>
/// <param name="NotBefore">No job is begun earlier, since the last ones failed.</param>
/// <param name="Unreadable">Objects that are left alone for a while since they could not be copied.</param>
public sealed record CompactionStatus(
    bool IsPaused,
    int WaitingWorkers,
    IReadOnlyList<CompactionJobStatus> Running,
    IReadOnlyList<CompactionJobStatus> Waiting,
    IReadOnlyList<CompactionLevelStatus> Objects,
    long Finished,
    long CompactedObjects,
    long WrittenBytes,
    long Failed,
    string? LastFailure,
    DateTimeOffset? LastLookAt,
    DateTimeOffset? NotBefore,
    IReadOnlyList<string> Unreadable);

/// <summary>A job that is under way or waits for a worker (then without id, node and time).</summary>
public sealed record CompactionJobStatus(Guid? JobId, int? NodeId, DateTimeOffset? StartedAt, int Level, int Inputs, long InputBytes);

/// <summary>The objects of one level that are in use.</summary>
/// <param name="Level">The level.</param>
/// <param name="Objects">How many.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="LiveBytes">Those of them that are in some log.</param>
public sealed record CompactionLevelStatus(int Level, int Objects, long Bytes, long LiveBytes);

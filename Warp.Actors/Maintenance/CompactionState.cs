using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Maintenance;

/// <summary>
/// What the compaction planner must not forget, as the fold of its events: the jobs under way, and what went wrong lately. Used by its
/// planner only.
/// </summary>
public sealed class CompactionState
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromHours(1);

    /// <summary>
    /// Nodes come and go, and that is no fault of the job's. But a job might be what ended its node: then at least not again and again at once.
    /// </summary>
    private static readonly TimeSpan s_firstPauseAfterLoss = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_longestPauseAfterLoss = TimeSpan.FromSeconds(30);

    /// <summary>An object that cannot be read does not get better by being read often.</summary>
    private static readonly TimeSpan s_firstSetback = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan s_longestSetback = TimeSpan.FromDays(1);

    private readonly Dictionary<Guid, RunningJob> _jobs = [];
    private readonly HashSet<ObjectId> _busy = [];
    private readonly Dictionary<ObjectId, Setback> _setbacks = [];

    public bool IsPaused { get; private set; }

    /// <summary>Jobs that failed since the last one that was finished.</summary>
    public int Failures { get; private set; }

    /// <summary>Jobs whose workers were lost since the last one that was finished.</summary>
    public int Losses { get; private set; }

    /// <summary>No job is begun earlier, in ms: the last ones failed.</summary>
    public long NotBeforeMs { get; private set; }

    public IReadOnlyDictionary<Guid, RunningJob> Jobs => _jobs;

    /// <summary>Objects that kept jobs from being finished, and until when they are left alone, in ms.</summary>
    public IReadOnlyDictionary<ObjectId, Setback> Setbacks => _setbacks;

    /// <summary>Whether an object may be part of a new job.</summary>
    public bool IsFree(ObjectId id, DateTimeOffset now) =>
        !_busy.Contains(id) && !(_setbacks.TryGetValue(id, out Setback setback) && setback.NotBeforeMs > now.ToUnixTimeMilliseconds());

    /// <summary>Folds an event.</summary>
    public void Apply(IEvent @event)
    {
        switch (@event)
        {
            case CompactionJobStarted started:
                Start(RunningJob.Of(started));
                break;
            case CompactionJobFinished finished:
                Finish(finished);
                break;
            case CompactionJobFailed failed:
                Fail(failed);
                break;
            case CompactionPaused paused:
                IsPaused = paused.IsPaused;
                break;
            default:
                throw new InvalidDataException($"The compaction planner has no use for {@event.GetType().Name}.");
        }
    }

    /// <summary>The state as a message that <see cref="Restore"/> takes.</summary>
    public CompactionSnapshot ToSnapshot() => new()
    {
        IsPaused = IsPaused,
        Failures = Failures,
        Losses = Losses,
        NotBefore = NotBeforeMs,
        Jobs = [.. _jobs.Values.Select(static job => job.ToSnapshot())],
        Setbacks = [.. _setbacks.Select(static pair => new CompactionSnapshot.CompactionSetbackSnapshot
        {
            ObjectId = pair.Key.ToGuid(),
            Failures = pair.Value.Failures,
            NotBefore = pair.Value.NotBeforeMs,
        })],
    };

    /// <summary>Fills a fresh state.</summary>
    public void Restore(CompactionSnapshot snapshot)
    {
        IsPaused = snapshot.IsPaused;
        Failures = snapshot.Failures;
        Losses = snapshot.Losses;
        NotBeforeMs = snapshot.NotBefore;
        foreach (CompactionSnapshot.CompactionJobSnapshot job in snapshot.Jobs)
            Start(RunningJob.Of(job));
        foreach (CompactionSnapshot.CompactionSetbackSnapshot setback in snapshot.Setbacks)
            _setbacks.Add(setback.ObjectId.ToObjectId(), new Setback(setback.Failures, setback.NotBefore));
    }

    private void Start(RunningJob job)
    {
        _jobs.Add(job.Job.JobId, job);
        foreach (CompactionInput input in job.Job.Inputs)
            _busy.Add(input.Id);
    }

    private void End(Guid jobId)
    {
        if (!_jobs.Remove(jobId, out RunningJob? job))
            return;
        foreach (CompactionInput input in job.Job.Inputs)
            _busy.Remove(input.Id);
    }

    private void Finish(CompactionJobFinished finished)
    {
        foreach (CompactionInput input in _jobs[finished.JobId].Job.Inputs)
            _setbacks.Remove(input.Id);
        End(finished.JobId);
        Failures = 0;
        Losses = 0;
        NotBeforeMs = 0;
    }

    private void Fail(CompactionJobFailed failed)
    {
        End(failed.JobId);
        // Those that nobody has met for long are gone, or were copied after all.
        foreach ((ObjectId id, Setback setback) in _setbacks)
        {
            if (setback.NotBeforeMs < failed.Time - (long)s_longestSetback.TotalMilliseconds)
                _setbacks.Remove(id);
        }
        if (failed.Culprit != Guid.Empty)
        {
            ObjectId culprit = failed.Culprit.ToObjectId();
            int failures = _setbacks.GetValueOrDefault(culprit).Failures + 1;
            _setbacks[culprit] = new Setback(failures, failed.Time + Doubled(s_firstSetback, s_longestSetback, failures));
            return;
        }
        NotBeforeMs = failed.Time + (failed.IsLost
            ? Doubled(s_firstPauseAfterLoss, s_longestPauseAfterLoss, ++Losses)
            : Doubled(s_firstPause, s_longestPause, ++Failures));
    }

    private static long Doubled(TimeSpan first, TimeSpan longest, int failures) =>
        (long)Math.Min(longest.TotalMilliseconds, first.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 30) - 1));
}

/// <summary>How often an object kept a job from being finished, and until when it is left alone, in ms.</summary>
public readonly record struct Setback(int Failures, long NotBeforeMs);

/// <summary>A job that a worker has.</summary>
/// <param name="Job">The job.</param>
/// <param name="Worker">The node that does it.</param>
/// <param name="StartedMs">Since when, in ms of the database's clock.</param>
public sealed record RunningJob(CompactionJob Job, NodeIncarnation Worker, long StartedMs)
{
    internal static RunningJob Of(CompactionJobStarted started) => new(
        new CompactionJob(
            started.JobId,
            started.Level,
            started.TargetBytes,
            [.. started.Inputs.Select(static input => new CompactionInput(input.ObjectId.ToObjectId(), input.Level, input.SizeBytes))]),
        new NodeIncarnation(started.NodeId, started.Incarnation),
        started.Time);

    internal static RunningJob Of(CompactionSnapshot.CompactionJobSnapshot job) => new(
        new CompactionJob(
            job.JobId,
            job.Level,
            job.TargetBytes,
            [.. job.Inputs.Select(static input => new CompactionInput(input.ObjectId.ToObjectId(), input.Level, input.SizeBytes))]),
        new NodeIncarnation(job.NodeId, job.Incarnation),
        job.Time);

    internal CompactionSnapshot.CompactionJobSnapshot ToSnapshot() => new()
    {
        JobId = Job.JobId,
        Time = StartedMs,
        NodeId = Worker.NodeId,
        Incarnation = Worker.Incarnation,
        Level = (sbyte)Job.Level,
        TargetBytes = Job.TargetBytes,
        Inputs = [.. Job.Inputs.Select(static input => new CompactionSnapshot.CompactionInputSnapshot
        {
            ObjectId = input.Id.ToGuid(),
            Level = (sbyte)input.Level,
            SizeBytes = input.SizeBytes,
        })],
    };
}

using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;

namespace Warp.Actors.Maintenance;

/// <summary>
/// The cluster singleton that decides what is compacted, and by whom. It looks at what the shards have, makes jobs of it by
/// <see cref="CompactionRules"/>, and gives them to workers that ask. Jobs under way are journaled, so that no two ever have the same
/// inputs; one whose worker is not heard of is given up, and its inputs are planned again.
/// </summary>
public sealed class CompactionPlanner : PersistentActor<CompactionMessage>
{
    public const string Name = "compaction";

    /// <summary>How long a worker may be silent.</summary>
    private static readonly TimeSpan s_jobLease = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan s_leaseCheck = TimeSpan.FromSeconds(30);

    private static readonly EventCodec s_codec = new(EventSpecs.All);

    private readonly CompactionPlannerSettings _settings;
    private readonly ObjectSurvey _survey;
    private readonly Random _random;
    private readonly CompactionState _state = new();
    private readonly Queue<CompactionMessage.TakeJob> _workers = new();
    private readonly Queue<CompactionGroup> _groups = new();
    private readonly List<Reply<CompactionStatus>> _forced = [];
    private readonly Dictionary<Guid, long> _heardOf = [];
    private List<CompactionLevelStatus> _levels = [];
    private DateTimeOffset? _lookedAt;
    private string? _lastFailure;
    private CompactionGroup? _starting;
    private bool _isLooking;
    private bool _isForced;
    private long _finished;
    private long _compactedObjects;
    private long _writtenBytes;
    private long _failed;

    /// <param name="services">Journal and leases.</param>
    /// <param name="region">Where the shards are.</param>
    /// <param name="settings">When there is something to do.</param>
    /// <param name="random">Makes the jobs' ids.</param>
    public CompactionPlanner(PersistenceServices services, ShardRegion region, CompactionPlannerSettings settings, Random random)
        : base(services, s_codec, Name, ShardIds.Compaction)
    {
        _settings = settings;
        _survey = new ObjectSurvey(region);
        _random = random;
    }

    private DateTimeOffset Now => Services.Leases.Clock.Now;

    private long NowMs => Now.ToUnixTimeMilliseconds();

    protected internal override ValueTask StopAsync()
    {
        foreach (CompactionMessage.TakeJob worker in _workers)
            worker.Fail(new ActorStoppedException(Name));
        foreach (Reply<CompactionStatus> reply in _forced)
            reply.Fail(new ActorStoppedException(Name));
        return base.StopAsync();
    }

    protected override bool IsCommand(CompactionMessage message) => message is CompactionMessage.Command;

    protected override void Apply(IEvent @event) => _state.Apply(@event);

    protected override ReadOnlyMemory<byte> TakeSnapshot() =>
        EventCodec.EncodeSnapshot(_state.ToSnapshot(), Math.Min(CompactionSnapshot.HighestVersion, Services.HighestVersion));

    protected override void RestoreSnapshot(ReadOnlyMemory<byte> snapshot) =>
        _state.Restore(EventCodec.DecodeSnapshot(PersistenceId, snapshot, CompactionSnapshot.HighestVersion, CompactionSnapshot.Read));

    protected override void Recovered()
    {
        // Their workers may be alive; they have as long as ever to say so.
        foreach (Guid jobId in _state.Jobs.Keys)
            HearOf(jobId);
        Every(_settings.Interval, LookIfIdle);
        Every(s_leaseCheck, AbandonSilent);
    }

    protected override void Handle(CompactionMessage message)
    {
        switch (message)
        {
            case CompactionMessage.TakeJob take:
                Take(take);
                break;
            case CompactionMessage.RenewJob renew:
                bool isRunning = _state.Jobs.ContainsKey(renew.JobId);
                if (isRunning)
                    HearOf(renew.JobId);
                WhenOwner(prove: false, () => renew.Reply.Set(isRunning), renew);
                break;
            case CompactionMessage.FinishJob finish:
                Finish(finish);
                break;
            case CompactionMessage.FailJob fail:
                Fail(fail, fail.JobId, fail.Reason, fail.Culprit, isLost: false, answer => fail.Reply.Set(answer), fail);
                break;
            case CompactionMessage.Abandon abandon:
                Fail(abandon, abandon.JobId, abandon.Reason, null, isLost: true, static _ => { }, null);
                break;
            case CompactionMessage.SetPaused pause:
                SetPaused(pause);
                break;
            case CompactionMessage.RunNow run:
                _forced.Add(run.Reply);
                Look();
                break;
            case CompactionMessage.Describe describe:
                WhenOwner(prove: false, () => describe.Reply.Set(Status()), describe);
                break;
            case CompactionMessage.Assign:
                Assign();
                break;
        }
    }

    private void Take(CompactionMessage.TakeJob take)
    {
        foreach (RunningJob job in _state.Jobs.Values)
        {
            if (job.Worker.NodeId != take.Worker.NodeId || job.Worker.Incarnation > take.Worker.Incarnation)
                continue;
            string reason = $"Node {take.Worker.NodeId} has stopped, or asked for another job.";
            Self.Tell(new CompactionMessage.Abandon(job.Job.JobId, reason));
        }
        LetWait(take);
        if (_groups.Count > 0)
            Self.Tell(new CompactionMessage.Assign());
    }

    /// <summary>A node waits once: whoever asks again has given up the question before.</summary>
    private void LetWait(CompactionMessage.TakeJob take)
    {
        for (int i = _workers.Count; i > 0; i--)
        {
            CompactionMessage.TakeJob waiting = _workers.Dequeue();
            if (waiting.Worker.NodeId != take.Worker.NodeId)
                _workers.Enqueue(waiting);
            else
                waiting.Fail(new ActorStoppedException(Name));
        }
        _workers.Enqueue(take);
    }

    private void Assign()
    {
        // Those who gave up are not given a job.
        while (_workers.TryPeek(out CompactionMessage.TakeJob? next) && next.Reply.Task.IsCompleted)
            _workers.Dequeue();
        _isForced &= _groups.Count > 0;
        if (_state.IsPaused || _workers.Count == 0 || _groups.Count == 0 || (NowMs < _state.NotBeforeMs && !_isForced))
            return;
        CompactionGroup group = _groups.Dequeue();
        if (!group.Objects.All(candidate => _state.IsFree(candidate.Id, Now)))
        {
            Self.Tell(new CompactionMessage.Assign());
            return;
        }
        CompactionMessage.TakeJob take = _workers.Dequeue();
        _starting = group;
        var started = new CompactionJobStarted
        {
            Time = NowMs,
            JobId = ObjectId.Mint(Now, _random).ToGuid(),
            NodeId = take.Worker.NodeId,
            Incarnation = take.Worker.Incarnation,
            Level = (sbyte)group.Level,
            TargetBytes = group.TargetBytes,
            Inputs = [.. group.Objects.Select(static candidate => new CompactionJobStarted.CompactionJobInput
            {
                ObjectId = candidate.Id.ToGuid(),
                Level = (sbyte)candidate.Level,
                SizeBytes = candidate.SizeBytes,
            })],
        };
        Persist(take, new Changes([started]), Started, NotStarted);

        void NotStarted(WriteResult result)
        {
            _starting = null;
            take.Fail(Refusal(result));
        }

        void Started()
        {
            _starting = null;
            HearOf(started.JobId);
            take.Reply.Set(_state.Jobs[started.JobId].Job);
            Self.Tell(new CompactionMessage.Assign());
        }
    }

    private void Finish(CompactionMessage.FinishJob finish)
    {
        if (!_state.Jobs.ContainsKey(finish.JobId))
        {
            WhenOwner(prove: false, () => finish.Reply.Set(false), finish);
            return;
        }
        int inputs = _state.Jobs[finish.JobId].Job.Inputs.Count;
        var finished = new CompactionJobFinished { Time = NowMs, JobId = finish.JobId };
        Persist(finish, new Changes([finished]), Done, result => finish.Fail(Refusal(result)));

        void Done()
        {
            _finished++;
            _compactedObjects += inputs;
            _writtenBytes += finish.Result.BytesWritten;
            _heardOf.Remove(finish.JobId);
            finish.Reply.Set(true);
        }
    }

    private void Fail(
        CompactionMessage message, Guid jobId, string reason, ObjectId? culprit, bool isLost, Action<bool> answer, IAsk? ask)
    {
        if (!_state.Jobs.ContainsKey(jobId))
        {
            answer(false);
            return;
        }
        var failed = new CompactionJobFailed
        {
            Time = NowMs,
            JobId = jobId,
            Culprit = culprit?.ToGuid() ?? Guid.Empty,
            Reason = reason,
            IsLost = isLost,
        };
        Persist(message, new Changes([failed]), Done, result => ask?.Fail(Refusal(result)));

        void Done()
        {
            _failed++;
            _lastFailure = reason;
            _heardOf.Remove(jobId);
            answer(true);
        }
    }

    private void SetPaused(CompactionMessage.SetPaused pause)
    {
        if (_state.IsPaused == pause.IsPaused)
        {
            WhenOwner(prove: false, () => pause.Reply.Set(Status()), pause);
            return;
        }
        var paused = new CompactionPaused { Time = NowMs, IsPaused = pause.IsPaused };
        Persist(pause, new Changes([paused]), Done, result => pause.Fail(Refusal(result)));

        void Done()
        {
            pause.Reply.Set(Status());
            if (!pause.IsPaused)
                Self.Tell(new CompactionMessage.Assign());
        }
    }

    private void LookIfIdle()
    {
        if (_state.IsPaused || _workers.Count == 0 || NowMs < _state.NotBeforeMs)
            return;
        if (_groups.Count > 0)
            Self.Tell(new CompactionMessage.Assign());
        else
            Look();
    }

    private void Look()
    {
        if (_isLooking)
            return;
        _isLooking = true;
        _ = LookAsync();
    }

    private async Task LookAsync()
    {
        try
        {
            List<CompactionCandidate> found = await _survey.TakeAsync(System.Stopping);
            Post(() => Looked(found));
        }
        catch (Exception error)
        {
            Post(() => LookFailed(error));
        }
    }

    private void Looked(List<CompactionCandidate> found)
    {
        _isLooking = false;
        _lookedAt = Now;
        _levels = [.. found.GroupBy(static o => o.Level).OrderBy(static level => level.Key).Select(static level => new CompactionLevelStatus(
            level.Key, level.Count(), level.Sum(static o => o.SizeBytes), level.Sum(static o => o.LiveBytes)))];
        // Past the commit deadline an object gets no more extents; a little more, since its id may come from a clock that is ahead.
        DateTimeOffset settled = Now - (Services.Times.CommitDeadline * 1.1);
        _isForced = _forced.Count > 0;
        IEnumerable<CompactionCandidate> free = found.Where(candidate => candidate.Id.Time < settled && _state.IsFree(candidate.Id, Now));
        _groups.Clear();
        foreach (CompactionGroup group in CompactionRules.Choose(free, _settings, Now, _isForced))
            _groups.Enqueue(group);
        foreach (Reply<CompactionStatus> reply in _forced)
            reply.Set(Status());
        _forced.Clear();
        Self.Tell(new CompactionMessage.Assign());
    }

    private void LookFailed(Exception error)
    {
        _isLooking = false;
        Log.LogWarning("Compaction could not look at the shards: {Error} Trying again later", error.Message);
        foreach (Reply<CompactionStatus> reply in _forced)
            reply.Fail(error);
        _forced.Clear();
    }

    private void AbandonSilent()
    {
        foreach ((Guid jobId, long heardAt) in _heardOf)
        {
            if (Time.GetElapsedTime(heardAt) < s_jobLease)
                continue;
            Self.Tell(new CompactionMessage.Abandon(jobId, $"Nothing was heard of its worker for {s_jobLease.TotalMinutes} minutes."));
        }
    }

    private void HearOf(Guid jobId) => _heardOf[jobId] = Time.GetTimestamp();

    private CompactionStatus Status() => new(
        _state.IsPaused,
        _workers.Count,
        [.. _state.Jobs.Values.Select(static job => new CompactionJobStatus(
            job.Job.JobId, job.Worker.NodeId, DateTimeOffset.FromUnixTimeMilliseconds(job.StartedMs), job.Job.Level, job.Job.Inputs.Count,
            job.Job.Inputs.Sum(static input => input.SizeBytes)))],
        [.. (_starting is { } starting ? _groups.Prepend(starting) : _groups).Select(static group => new CompactionJobStatus(
            null, null, null, group.Level, group.Objects.Count, group.Objects.Sum(static o => o.SizeBytes)))],
        _levels,
        _finished,
        _compactedObjects,
        _writtenBytes,
        _failed,
        _lastFailure,
        _lookedAt,
        _state.NotBeforeMs > NowMs ? DateTimeOffset.FromUnixTimeMilliseconds(_state.NotBeforeMs) : null,
        [.. _state.Setbacks.Where(setback => setback.Value.NotBeforeMs > NowMs).Select(static setback => setback.Key.ToString())]);

    private static JournalException Refusal(WriteResult result) => new($"The journal refused the change: {result.Detail}");
}

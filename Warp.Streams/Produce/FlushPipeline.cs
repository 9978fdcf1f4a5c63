using System.Buffers;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Warp.Actors.Cluster;
using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Streams.Cache;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Produce;

/// <summary>What the <see cref="FlushPipeline"/> can be told.</summary>
public abstract record FlushMessage
{
    private FlushMessage()
    {
    }

    /// <summary>The batches of a request.</summary>
    public sealed record Add(PendingRequest Request) : FlushMessage, IAsk
    {
        public void Fail(Exception error)
        {
            foreach (PendingBatch batch in Request.Batches)
            {
                batch.ReleaseBytes();
                batch.Abandon();
            }
        }
    }

    /// <summary>Flushes what there is, and answers when everything has been answered.</summary>
    public sealed record Drain(Reply<bool> Reply) : FlushMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }
}

/// <summary>What a flush pipeline works with.</summary>
public sealed record FlushServices(
    IObjectStore Store,
    ShardRegion Region,
    ShardLeases Leases,
    TimeConstants Times,
    ChunkCache Chunks,
    string ClusterId,
    ObjectKeys Keys,
    Meter Meter,
    ChunkRing? Ring = null);

/// <summary>
/// The one way of records into the store: it gathers the batches of all partitions into one object a moment, puts it, and commits it shard
/// by shard in the order of the gathering. A batch is answered only when its bytes are durable in the store and its offset in the journal.
/// </summary>
public sealed class FlushPipeline : Actor<FlushMessage>
{
    /// <summary>How often it is looked whether a client still waits. Clients wait for many seconds, so it need not be exact.</summary>
    private static readonly TimeSpan s_timeOutPeriod = TimeSpan.FromSeconds(1);

    private readonly FlushServices _services;
    private readonly FlushSettings _settings;
    private readonly FlushPolicy _policy;
    private readonly GatheredSources _sources = new();
    private readonly ObjectCommitter?[] _committers;
    private readonly Queue<PendingBatch> _gathered = new();
    private readonly Queue<Waiting> _unanswered = new();

    // What the next flush takes, the shard of each, and where the batches of each shard begin: used again and again.
    private readonly List<PendingBatch> _leaving = [];
    private readonly List<int> _shards = [];
    private readonly int[] _starts;
    private readonly List<Reply<bool>> _drains = [];
    private readonly FlushMetrics _metrics;
    private readonly Random _random;
    private readonly long _startedAt;
    private long _gatheredBytes;
    private int _putsInFlight;
    private ITimer? _look;
    private TimeSpan _lookAt = TimeSpan.MaxValue;

    private FlushPipeline(ActorSystem system, FlushServices services, FlushSettings settings)
    {
        _services = services;
        _settings = settings;
        _policy = new FlushPolicy(settings);
        _metrics = new FlushMetrics(services.Meter);
        _committers = new ObjectCommitter?[services.Region.ShardCount];
        _starts = new int[services.Region.ShardCount];
        _random = system.CreateRandom();
        _startedAt = system.Time.GetTimestamp();
    }

    private TimeSpan Now => Time.GetElapsedTime(_startedAt);

    protected override ValueTask StartAsync(CancellationToken stopping)
    {
        Every(s_timeOutPeriod, GiveUpOverdue);
        return ValueTask.CompletedTask;
    }

    /// <summary>Runs the pipeline of a node. It is not restarted: its commits are numbered for the whole life of the process.</summary>
    public static ActorRef<FlushMessage> Start(ActorSystem system, FlushServices services, FlushSettings settings) =>
        system.Spawn("flush-pipeline", () => new FlushPipeline(system, services, settings), supervision: Supervision.Escalate);

    protected override ValueTask StopAsync()
    {
        foreach (PendingBatch batch in _gathered)
        {
            batch.ReleaseBytes();
            batch.Abandon();
        }
        foreach (ObjectCommitter? committer in _committers)
            committer?.Abandon();
        foreach (Reply<bool> drain in _drains)
            drain.Fail(new ActorStoppedException("flush-pipeline"));
        return ValueTask.CompletedTask;
    }

    protected override ValueTask ReceiveAsync(FlushMessage message)
    {
        switch (message)
        {
            case FlushMessage.Add add:
                Gather(add.Request);
                break;
            case FlushMessage.Drain drain:
                _drains.Add(drain.Reply);
                FlushWhatIsDue();
                AnswerDrains();
                break;
        }
        return ValueTask.CompletedTask;
    }

    private void Gather(PendingRequest request)
    {
        TimeSpan now = Now;
        request.GatheredAt = now;
        foreach (PendingBatch batch in request.Batches)
        {
            _gathered.Enqueue(batch);
            _gatheredBytes += batch.Length;
        }
        ForgetAnswered();
        _unanswered.Enqueue(new Waiting(request, request.Life));
        if (_sources.Add(request.Source))
            _policy.MoreCame(now);
        FlushWhatIsDue();
    }

    /// <summary>Answers come about in the order of the requests, so what was answered leaves at the front.</summary>
    private void ForgetAnswered()
    {
        while (_unanswered.TryPeek(out Waiting oldest) && oldest.IsEnded)
            _unanswered.Dequeue();
    }

    /// <summary>Tells those whose clients wait no longer; the batches go on, and a client that sends them again hears their first offsets.</summary>
    private void GiveUpOverdue()
    {
        TimeSpan now = Now;
        for (int i = _unanswered.Count; i > 0; i--)
        {
            Waiting waiting = _unanswered.Dequeue();
            if (waiting.IsEnded)
                continue;
            if (now - waiting.Request.GatheredAt >= waiting.Request.Timeout)
                waiting.Request.GiveUp(waiting.Life);
            else
                _unanswered.Enqueue(waiting);
        }
        foreach (ObjectCommitter? committer in _committers)
            committer?.AskAgainIfOverdue();
    }

    private void FlushWhatIsDue()
    {
        while (_gathered.TryPeek(out PendingBatch? first) && _putsInFlight < _settings.PutsInFlight)
        {
            TimeSpan now = Now;
            TimeSpan quietAt = !_policy.IsWorthAPut(_gatheredBytes) ? TimeSpan.MaxValue
                : _policy.MayLeaveQuietly(now)
                ? _sources.QuietAt(now, _policy.QuietFor(now), _policy.TrustsWindows(now))
                : now;
            FlushTrigger trigger = _drains.Count > 0
                ? FlushTrigger.Drain
                : _policy.Decide(now, _gatheredBytes, first.GatheredAt, quietAt);
            if (trigger == FlushTrigger.None)
            {
                LookAgainAt(_policy.NextLook(now, first.GatheredAt, quietAt), now);
                return;
            }
            Dispatch(trigger);
        }
    }

    private void LookAgainAt(TimeSpan at, TimeSpan now)
    {
        if (at >= _lookAt)
            return;
        _look?.Dispose();
        _lookAt = at;
        // Timers tick in whole milliseconds and must not come early: a look too soon would only set the next one.
        _look = After(TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling((at - now).TotalMilliseconds))), () =>
        {
            _lookAt = TimeSpan.MaxValue;
            FlushWhatIsDue();
        });
    }

    private void Dispatch(FlushTrigger trigger)
    {
        for (long bytes = 0; bytes < _settings.SizeBytes && _gathered.TryDequeue(out PendingBatch? batch); bytes += batch.Length)
        {
            _gatheredBytes -= batch.Length;
            if (batch.Request is { } request && request.Batches[^1] == batch)
                _sources.Remove(request.Source);
            _leaving.Add(batch);
        }
        _policy.Flushed(Now, trigger);
        Flush flush = TakePlaces(ObjectId.Mint(_services.Leases.Clock.Now, _random), trigger);
        _putsInFlight++;
        _metrics.Dispatched(flush);
        _ = StoreAsync(flush);
    }

    /// <summary>Makes a flush of what leaves, and gives it its place in the order of each shard that it concerns.</summary>
    private Flush TakePlaces(ObjectId objectId, FlushTrigger trigger)
    {
        Array.Clear(_starts);
        int shards = 0;
        foreach (PendingBatch batch in _leaving)
        {
            int shard = _services.Region.ShardOf(batch.Partition);
            _shards.Add(shard);
            if (_starts[shard]++ == 0)
                shards++;
        }
        var batches = new PendingBatch[_leaving.Count];
        var flush = new Flush(objectId, trigger, batches, shards);
        int end = 0;
        for (int shard = 0; shard < _starts.Length; shard++)
        {
            int count = _starts[shard];
            _starts[shard] = end;
            if (count == 0)
                continue;
            var slot = new CommitSlot(flush, shard, new ArraySegment<PendingBatch>(batches, end, count));
            flush.Slots.Add(slot);
            CommitterOf(shard).Enqueue(slot);
            end += count;
        }
        for (int i = 0; i < batches.Length; i++)
            batches[_starts[_shards[i]]++] = _leaving[i];
        _leaving.Clear();
        _shards.Clear();
        return flush;
    }

    private ObjectCommitter CommitterOf(int shard) => _committers[shard] ??= new ObjectCommitter(
        System, _services.Region.Sequencer(shard), _services.Leases, _services.Times, Log, () => Now, Post, AnswerDrains);

    private async Task StoreAsync(Flush flush)
    {
        bool stored = false;
        try
        {
            using EncodedObject encoded = await EncodeAsync(flush);
            // On their way while the object is put, so that they are there when it can be read.
            _services.Ring?.Offer(encoded);
            stored = await PutAsync(encoded);
            if (stored)
                _services.Chunks.Offer(encoded);
        }
        catch (Exception error)
        {
            Log.LogError(error, "The flush of {Object} failed", flush.ObjectId);
        }
        finally
        {
            Post(() => Stored(flush, stored));
        }
    }

    /// <summary>Encoding copies megabytes: off the pipeline's turn, so that the next flush gathers meanwhile.</summary>
    private async Task<EncodedObject> EncodeAsync(Flush flush)
    {
        EncodedObject? encoded = null;
        try
        {
            await System.Start(() =>
            {
                encoded = Encode(flush);
                return Task.CompletedTask;
            });
            return encoded!;
        }
        finally
        {
            foreach (PendingBatch batch in flush.Batches)
                batch.ReleaseBytes();
        }
    }

    private EncodedObject Encode(Flush flush)
    {
        int count = flush.Batches.Length;
        BatchToWrite[] batches = ArrayPool<BatchToWrite>.Shared.Rent(count);
        try
        {
            for (int i = 0; i < count; i++)
            {
                PendingBatch batch = flush.Batches[i];
                (Guid topicId, int partition) = batch.Partition;
                batches[i] = new BatchToWrite(topicId, partition, batch.Bytes, batch.OffsetCount, batch.MaxTimestamp);
            }
            EncodedObject encoded = ObjectWriter.Encode(
                flush.ObjectId, flush.ObjectId.Time, _services.ClusterId, new ArraySegment<BatchToWrite>(batches, 0, count));
            for (int i = 0; i < count; i++)
                flush.Batches[i].Position = encoded.Positions[i];
            flush.SizeBytes = encoded.Length;
            return encoded;
        }
        finally
        {
            ArrayPool<BatchToWrite>.Shared.Return(batches, clearArray: true);
        }
    }

    /// <summary>
    /// Puts the object, again and again until the commit's deadline. The key is this flush's alone, so an object that is already there
    /// was put by an attempt that seemed to have failed.
    /// </summary>
    private async Task<bool> PutAsync(EncodedObject encoded)
    {
        string key = _services.Keys.Object(0, encoded.Id);
        var backoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(2), System.CreateRandom());
        while (true)
        {
            try
            {
                await _services.Store.PutAsync(key, encoded.Content, CancellationToken.None);
                return true;
            }
            catch (ObjectStoreException error)
            {
                bool tooLate = _services.Leases.Clock.Now - encoded.Id.Time > _services.Times.CommitDeadline;
                if (tooLate || !error.IsTransient || System.Stopping.IsCancellationRequested)
                {
                    Log.LogError("{Error} The records of this flush are refused; producers send them again", error.Message);
                    return false;
                }
                Log.LogWarning("{Error} Trying again", error.Message);
            }
            await Task.Delay(backoff.Next(), Time, CancellationToken.None);
        }
    }

    private void Stored(Flush flush, bool stored)
    {
        _putsInFlight--;
        flush.State = stored ? FlushState.Durable : FlushState.Failed;
        foreach (CommitSlot slot in flush.Slots)
            CommitterOf(slot.Shard).Pump();
        FlushWhatIsDue();
        AnswerDrains();
    }

    private void AnswerDrains()
    {
        if (_drains.Count == 0 || _gathered.Count > 0 || _putsInFlight > 0)
            return;
        if (!_committers.All(static committer => committer?.IsIdle ?? true))
            return;
        foreach (Reply<bool> drain in _drains)
            drain.Set(true);
        _drains.Clear();
    }

    /// <summary>A request whose client waits, as long as its life is that.</summary>
    private readonly record struct Waiting(PendingRequest Request, int Life)
    {
        public bool IsEnded => Request.Life != Life;
    }
}

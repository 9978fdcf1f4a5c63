using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;

namespace Warp.Streams.Compaction;

/// <summary>
/// What compacts on a node: it takes jobs from the planner, one after the other, does them, and says what became of them. Disposing of it
/// ends a job wherever it is; the planner gives it to somebody else.
/// </summary>
public sealed class CompactionWorker : IAsyncDisposable
{
    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(30);

    private readonly CompactionServices _services;
    private readonly ActorRef<CompactionMessage> _planner;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping;
    private readonly Task _run;

    private CompactionWorker(CompactionServices services, ActorRef<CompactionMessage> planner, CancellationToken draining)
    {
        _services = services;
        _planner = planner;
        _log = services.System.Loggers.CreateLogger("compaction");
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(draining, services.System.Stopping);
        _run = services.System.Start(RunAsync);
    }

    /// <summary>Starts to take jobs.</summary>
    /// <param name="services">What they work with.</param>
    /// <param name="planner">Has them.</param>
    /// <param name="draining">Cancelled when the node stops.</param>
    public static CompactionWorker Start(
        CompactionServices services, ActorRef<CompactionMessage> planner, CancellationToken draining) =>
        new(services, planner, draining);

    /// <summary>Ends the job that is under way, and waits for its end.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _run;
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(30), _services.System.CreateRandom());
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                CompactionJob job = await _planner.AskAsync<CompactionJob>(
                    reply => new CompactionMessage.TakeJob(_services.Leases.Node, reply), Timeout.InfiniteTimeSpan, _stopping.Token);
                await RunAsync(job);
                backoff.Reset();
            }
            catch (Exception) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // The planner stopped, or did not answer. What it has journaled it will know.
                _log.LogWarning("Compaction has no planner ({Error}); asking again", error.Message);
                await PauseAsync(backoff.Next());
            }
        }
    }

    private async Task RunAsync(CompactionJob job)
    {
        long startedAt = _services.System.Time.GetTimestamp();
        CompactionResult result;
        try
        {
            result = await new Compactor(_services).RunAsync(job, new JobLease(_services, StillMineAsync), _stopping.Token);
        }
        catch (Exception error) when (!_stopping.IsCancellationRequested)
        {
            _services.Metrics.Failed();
            _log.LogError("A compaction job failed, what it read stays as it is: {Error}", error.Message);
            await _planner.AskAsync<bool>(
                reply => new CompactionMessage.FailJob(job.JobId, error.Message, (error as CorruptInputException)?.ObjectId, reply),
                s_ask,
                _stopping.Token);
            return;
        }
        _services.Metrics.Finished(job, result);
        _log.LogInformation(
            "Compacted {Inputs} objects into {Outputs} of level {Level}: {Replaced} extents became {Added}, {Bytes} bytes, {Seconds:F1} s",
            job.Inputs.Count, result.Outputs, job.Level, result.ReplacedExtents, result.AddedExtents, result.BytesWritten,
            _services.System.Time.GetElapsedTime(startedAt).TotalSeconds);
        await _planner.AskAsync<bool>(reply => new CompactionMessage.FinishJob(job.JobId, result, reply), s_ask, _stopping.Token);

        Task<bool> StillMineAsync(CancellationToken cancellationToken) => _planner.AskAsync<bool>(
            reply => new CompactionMessage.RenewJob(job.JobId, reply), s_ask, cancellationToken);
    }

    private async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, _services.System.Time, _stopping.Token);
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }
}

using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;

namespace Warp.Node.Hosting;

/// <summary>
/// Raises the lineage of journal and store once a minute while objects are written, and at the end, so that a copy of the journal from
/// before is noticed. An idle node costs the store nothing.
/// </summary>
public sealed class LineageKeeper : IAsyncDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(1);

    private readonly ActorSystem _system;
    private readonly StoreLineage _lineage;
    private readonly GroupCommit _commits;
    private readonly ILogger _log;
    private readonly TaskCompletionSource _failure = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _run;
    private long _seen;

    public LineageKeeper(ActorSystem system, StoreLineage lineage, GroupCommit commits)
    {
        _system = system;
        _lineage = lineage;
        _commits = commits;
        _seen = commits.Appends;
        _log = system.Loggers.CreateLogger("lineage");
        _run = system.Start(RunAsync);
    }

    /// <summary>Fails when journal and store no longer belong together: somebody has put one of them back, and the node must not go on.</summary>
    public Task Failure => _failure.Task;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _run;
        await RaiseIfWrittenAsync();
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(s_period, _system.Time, _stopping.Token);
                await RaiseIfWrittenAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private async Task RaiseIfWrittenAsync()
    {
        long appends = _commits.Appends;
        if (appends == _seen)
            return;
        try
        {
            await _lineage.RaiseAsync(CancellationToken.None);
            _seen = appends;
        }
        catch (LineageException error)
        {
            _failure.TrySetException(error);
        }
        catch (Exception error) when (error is ObjectStoreException or JournalException)
        {
            _log.LogWarning("The lineage could not be raised ({Error}); trying again", error.Message);
        }
    }
}

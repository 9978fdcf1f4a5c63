using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Warp.Actors.Cluster;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Quorum;

namespace Warp.Streams.Maintenance;

/// <summary>
/// Runs the garbage collector from time to time while this node owns its shard: a cluster singleton. The rows of unused objects are looked
/// for each time; the store is listed at the start and then every few graces (<see cref="CollectionRules.ListingInterval"/>). After a listing
/// the stores of a quorum are given what they have missed; after, since what they have missed may be a deletion.
/// </summary>
public sealed class CollectionDriver : IAsyncDisposable
{
    private readonly ActorSystem _system;
    private readonly ShardLeases _leases;
    private readonly GarbageCollector _collector;
    private readonly IReadOnlyList<QuorumObjectStore> _quorums;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly TimeSpan _listingInterval;
    private readonly ILogger _log;
    private readonly Counter<long> _objects;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _uploads;
    private readonly Counter<long> _sweeps;
    private readonly Counter<long> _copies;
    private readonly CancellationTokenSource _stopping = new();
    private long? _listedAt;
    private Task _run = Task.CompletedTask;
    private Task _repair = Task.CompletedTask;

    /// <param name="system">Clock and scheduler.</param>
    /// <param name="leases">Say whether this node is to collect.</param>
    /// <param name="services">What the collector works with.</param>
    /// <param name="meter">Counts what is deleted.</param>
    public CollectionDriver(ActorSystem system, ShardLeases leases, CollectorServices services, Meter meter)
    {
        _system = system;
        _leases = leases;
        _collector = new GarbageCollector(services, () => leases.FenceOf(ShardIds.Collection));
        _quorums = services.Quorums ?? [];
        _listingInterval = CollectionRules.ListingInterval(services.Times);
        _log = system.Loggers.CreateLogger("gc");
        _objects = meter.CreateCounter<long>("warp.gc.objects", "{object}", "Objects deleted by garbage collection, by reason.");
        _bytes = meter.CreateCounter<long>("warp.gc.bytes", "By", "Bytes of the objects deleted by garbage collection, by reason.");
        _uploads = meter.CreateCounter<long>("warp.gc.uploads", "{upload}", "Unfinished uploads given up by garbage collection.");
        _sweeps = meter.CreateCounter<long>("warp.gc.sweeps", "{sweep}", "Sweeps of the garbage collector, by outcome.");
        _copies = meter.CreateCounter<long>(
            "warp.gc.copies", "{object}", "Copies that a store of a quorum had missed, by outcome (made, failed).");
    }

    /// <summary>Runs every <paramref name="interval"/> until it is disposed.</summary>
    public CollectionDriver Start(TimeSpan interval)
    {
        _run = _system.Start(() => RunForeverAsync(interval));
        return this;
    }

    /// <summary>Sweeps once, if this node is to. What goes wrong is noted, and tried again the next time.</summary>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        if (_leases.FenceOf(ShardIds.Collection) is null)
            return;
        string outcome = "failed";
        try
        {
            bool list = _listedAt is not { } listed || _system.Time.GetElapsedTime(listed) >= _listingInterval;
            await SweepAsync(list, Count, cancellationToken);
            outcome = "completed";
            if (list)
                StartRepair();
        }
        catch (LineageException error)
        {
            outcome = "refused";
            _log.LogError("Nothing is deleted from the store. {Objection}", error.Message);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            _log.LogWarning("Garbage collection did not come to its end ({Error}); trying again", error.Message);
        }
        finally
        {
            _sweeps.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
        }
    }

    /// <summary>Sweeps through everything now, the store included, because an operator wants it.</summary>
    /// <param name="report">Told of each object that was deleted.</param>
    /// <param name="cancellationToken">Ends it between two requests.</param>
    /// <exception cref="LineageException">The journal does not belong to the store, or is an old copy: nothing was deleted.</exception>
    /// <exception cref="OwnershipLostException">This node is not the collector's (any more).</exception>
    /// <exception cref="ObjectStoreException">The store failed; what could not be deleted is tried again by the next sweep.</exception>
    public Task<SweepResult> SweepNowAsync(Action<CollectedObject> report, CancellationToken cancellationToken) => SweepAsync(
        list: true,
        collected =>
        {
            Count(collected);
            report(collected);
        },
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _run;
        await _repair;
        _stopping.Dispose();
        _turn.Dispose();
    }

    private async Task<SweepResult> SweepAsync(bool list, Action<CollectedObject> report, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            long now = _system.Time.GetTimestamp();
            SweepResult result = await _collector.SweepAsync(list, report, cancellationToken);
            if (list)
                _listedAt = now;
            _uploads.Add(result.Uploads);
            if (result.Objects > 0)
                _log.LogInformation("Deleted {Objects} unused objects of {Bytes} bytes", result.Objects, result.Bytes);
            return result;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Beside the sweeps, since copying what a store has missed in a day takes long. It does no harm wherever it runs.</summary>
    private void StartRepair()
    {
        if (_quorums.Count > 0 && _repair.IsCompleted)
            _repair = _system.Start(RepairAsync);
    }

    private async Task RepairAsync()
    {
        try
        {
            QuorumRepair repaired = await QuorumRepair.RunAsync(_quorums, _stopping.Token);
            _copies.Add(repaired.Copied, new KeyValuePair<string, object?>("outcome", "made"));
            _copies.Add(repaired.Failed, new KeyValuePair<string, object?>("outcome", "failed"));
            if (repaired.Copied + repaired.Failed > 0)
            {
                _log.LogInformation(
                    "Stores of the quorum lacked copies: {Copied} were made, {Failed} could not be", repaired.Copied, repaired.Failed);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The node stops.
        }
        catch (Exception error)
        {
            _log.LogWarning("What stores of the quorum lack could not be told ({Error}); it is looked again after the next listing", error.Message);
        }
    }

    private void Count(CollectedObject collected)
    {
        var reason = new KeyValuePair<string, object?>("reason", collected.Reason.ToString().ToLowerInvariant());
        _objects.Add(1, reason);
        _bytes.Add(collected.SizeBytes, reason);
    }

    private async Task RunForeverAsync(TimeSpan interval)
    {
        try
        {
            while (true)
            {
                await Task.Delay(interval, _system.Time, _stopping.Token);
                await RunOnceAsync(_stopping.Token);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The node stops.
        }
    }
}

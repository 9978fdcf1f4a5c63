using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Warp.Actors.Cluster;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Sharding;

namespace Warp.Streams.Maintenance;

/// <summary>
/// Runs the garbage collector from time to time while this node owns its shard: a cluster singleton. The rows of unused objects are looked
/// for each time; the store is listed at the start and then every few graces (<see cref="CollectionRules.ListingInterval"/>).
/// </summary>
public sealed class CollectionDriver : IAsyncDisposable
{
    private readonly ActorSystem _system;
    private readonly ShardLeases _leases;
    private readonly GarbageCollector _collector;
    private readonly TimeSpan _listingInterval;
    private readonly ILogger _log;
    private readonly Counter<long> _objects;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _uploads;
    private readonly Counter<long> _sweeps;
    private readonly CancellationTokenSource _stopping = new();
    private long? _listedAt;
    private Task _run = Task.CompletedTask;

    /// <param name="system">Clock and scheduler.</param>
    /// <param name="leases">Say whether this node is to collect.</param>
    /// <param name="services">What the collector works with.</param>
    /// <param name="meter">Counts what is deleted.</param>
    public CollectionDriver(ActorSystem system, ShardLeases leases, CollectorServices services, Meter meter)
    {
        _system = system;
        _leases = leases;
        _collector = new GarbageCollector(services, () => leases.FenceOf(ShardIds.Collection));
        _listingInterval = CollectionRules.ListingInterval(services.Times);
        _log = system.Loggers.CreateLogger("gc");
        _objects = meter.CreateCounter<long>("warp.gc.objects", "{object}", "Objects deleted by garbage collection, by reason.");
        _bytes = meter.CreateCounter<long>("warp.gc.bytes", "By", "Bytes of the objects deleted by garbage collection, by reason.");
        _uploads = meter.CreateCounter<long>("warp.gc.uploads", "{upload}", "Unfinished uploads given up by garbage collection.");
        _sweeps = meter.CreateCounter<long>("warp.gc.sweeps", "{sweep}", "Sweeps of the garbage collector, by outcome.");
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
            long now = _system.Time.GetTimestamp();
            bool list = _listedAt is not { } listed || _system.Time.GetElapsedTime(listed, now) >= _listingInterval;
            SweepResult result = await _collector.SweepAsync(list, Count, cancellationToken);
            if (list)
                _listedAt = now;
            _uploads.Add(result.Uploads);
            if (result.Objects > 0)
                _log.LogInformation("Deleted {Objects} unused objects of {Bytes} bytes", result.Objects, result.Bytes);
            outcome = "completed";
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

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _run;
        _stopping.Dispose();
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

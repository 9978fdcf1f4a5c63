using System.Diagnostics.Metrics;
using Warp.Specs.Contracts;
using Warp.Specs.Hosting;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Faults;
using Warp.Streams.Objects.Resilience;

namespace Warp.Specs.Streams.Objects.Resilience;

/// <summary>The contract of stores, kept by an unreliable store with everything around it that a node has.</summary>
public abstract class ResilientObjectStoreSpec : ObjectStoreSpec
{
    private readonly Meter _meter = new("Warp.Store");

    /// <summary>An attempt to start an upload that seemed to fail may have started one.</summary>
    protected override bool CountsUploads => false;

    /// <summary>Seeds the faults of the stores of this test.</summary>
    protected Random Seeds { get; } = new(TestRun.TakeSeed());

    protected StoreMetrics Metrics { get; }

    protected ResilientObjectStoreSpec() => Metrics = new StoreMetrics(_meter);

    protected override async Task<IObjectStore> OpenAsync()
    {
        IObjectStore store = Attempt(Faulty(await OpenReliableAsync()));
        return Retrying(new HedgingObjectStore(store, new HedgeBudget(0.05), Metrics, TimeProvider.System));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _meter.Dispose();
    }

    /// <summary>Whether a server, or a disk, that shares the machine with everything else takes its time; none of its requests are left unanswered
    /// then, so that only what takes really long is given up.</summary>
    protected virtual bool IsServer => false;

    /// <summary>Opens the store itself.</summary>
    protected abstract Task<IObjectStore> OpenReliableAsync();

    /// <summary>One in ten requests fails, half of those after they had their effect; some are slow, and some are never answered.</summary>
    protected FaultObjectStore Faulty(IObjectStore store) => new(
        store,
        new FaultPlan
        {
            Seed = Seeds.Next(),
            Errors = 0.1,
            Stalls = 0.05,
            StallTime = TimeSpan.FromMilliseconds(20),
            Timeouts = IsServer ? 0 : 0.005,
        },
        TimeProvider.System);

    protected IObjectStore Attempt(IObjectStore store)
    {
        var timed = new DeadlineObjectStore(store, TimeSpan.FromSeconds(IsServer ? 30 : 1), TimeProvider.System);
        var metered = new MeteredObjectStore(timed, _meter, TimeProvider.System);
        // A server on a machine that is busy with other tests is broken for longer than the retries last.
        return IsServer ? metered : new BreakerObjectStore(metered, new StoreHealth(TimeProvider.System), TimeProvider.System);
    }

    /// <summary>So often that a test never fails by chance: 0.105^13 is one in 5 × 10^12.</summary>
    protected IObjectStore Retrying(IObjectStore store) => new RetryingObjectStore(store, 12, Metrics, TimeProvider.System, Seeds);
}

using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;

namespace Warp.Actors.Maintenance;

/// <summary>
/// Tells the sequencers of this node from time to time how long records are kept (Kafka's <c>log.retention.check.interval.ms</c>). It decides
/// nothing: the configs come from the catalog's owner, and each sequencer drops what is too old in its own state, behind its own fence.
/// </summary>
public sealed class RetentionDriver : IAsyncDisposable
{
    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(30);

    private readonly ActorSystem _system;
    private readonly ActorRef<CatalogMessage> _catalog;
    private readonly ShardRegion _region;
    private readonly ILogger _log;
    private readonly Counter<long> _extents;
    private readonly Counter<long> _bytes;
    private readonly CancellationTokenSource _stopping = new();
    private Task _run = Task.CompletedTask;

    /// <param name="system">Clock and scheduler.</param>
    /// <param name="catalog">Knows the topics' configs.</param>
    /// <param name="region">Finds the sequencers.</param>
    /// <param name="meter">Counts what is dropped.</param>
    public RetentionDriver(ActorSystem system, ActorRef<CatalogMessage> catalog, ShardRegion region, Meter meter)
    {
        _system = system;
        _catalog = catalog;
        _region = region;
        _log = system.Loggers.CreateLogger("retention");
        _extents = meter.CreateCounter<long>("warp.retention.extents", "{extent}", "Runs of records dropped by retention.");
        _bytes = meter.CreateCounter<long>("warp.retention.bytes", "By", "Bytes of records dropped by retention.");
    }

    /// <summary>Runs every <paramref name="interval"/> until it is disposed.</summary>
    public RetentionDriver Start(TimeSpan interval)
    {
        _run = _system.Start(() => RunForeverAsync(interval));
        return this;
    }

    /// <summary>Goes once through the shards of this node. One that cannot be had now is left for the next time.</summary>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        CatalogImage image = await _catalog.AskAsync<CatalogImage>(
            static reply => new CatalogMessage.ReadImage(reply), s_ask, cancellationToken);
        IReadOnlyDictionary<Guid, RetentionPolicy> policies = RetentionPolicy.Of(image);
        if (policies.Count == 0)
            return;
        // One after the other: this is never urgent, and the shards share one database.
        for (int shard = 0; shard < _region.ShardCount; shard++)
        {
            if (_region.LocalSequencer(shard) is not { } sequencer)
                continue;
            try
            {
                await RunShardAsync(sequencer, policies, cancellationToken);
            }
            catch (Exception error) when (error is TimeoutException or ActorStoppedException or JournalException)
            {
                _log.LogWarning("Retention has to wait for shard {Shard}: {Error}", shard, error.Message);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _run;
        _stopping.Dispose();
    }

    private async Task RunShardAsync(
        ActorRef<SequencerMessage> sequencer, IReadOnlyDictionary<Guid, RetentionPolicy> policies, CancellationToken cancellationToken)
    {
        RetentionReply reply;
        do
        {
            reply = await sequencer.AskAsync<RetentionReply>(
                answer => new SequencerMessage.ApplyRetention(policies, answer), s_ask, cancellationToken);
            _extents.Add(reply.Extents);
            _bytes.Add(reply.Bytes);
        }
        while (!reply.IsComplete);
    }

    private async Task RunForeverAsync(TimeSpan interval)
    {
        while (true)
        {
            try
            {
                await Task.Delay(interval, _system.Time, _stopping.Token);
                await RunOnceAsync(_stopping.Token);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                _log.LogWarning("Retention could not be applied ({Error}); trying again", error.Message);
            }
        }
    }
}

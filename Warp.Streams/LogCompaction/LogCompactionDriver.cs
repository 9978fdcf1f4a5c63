using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Streams.Compaction;
using Warp.Streams.Objects;

namespace Warp.Streams.LogCompaction;

/// <summary>
/// Has partitions compacted by key when they need it, one after the other (Kafka's log cleaner). It decides nothing that must not be done
/// twice: the sequencers say what needs it, and take the outcome only if the log is still what was read.
/// </summary>
public sealed class LogCompactionDriver : IAsyncDisposable
{
    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(30);

    private readonly CompactionServices _services;
    private readonly ActorRef<CatalogMessage> _catalog;
    private readonly LogCompactionSettings _settings;
    private readonly Func<int, bool> _isMine;
    private readonly ILogger _log;
    private readonly Counter<long> _partitions;
    private readonly Counter<long> _records;
    private readonly CancellationTokenSource _stopping;
    private Task _run = Task.CompletedTask;

    /// <param name="services">Store, journal, shards, and how much of them a job may use.</param>
    /// <param name="catalog">Knows the topics' configs.</param>
    /// <param name="settings">How often, and from what size on.</param>
    /// <param name="isMine">Whether this node is to look after a shard. That two do is of no harm, but of no use.</param>
    /// <param name="meter">Gets the instruments.</param>
    /// <param name="draining">Cancelled when the node stops.</param>
    public LogCompactionDriver(
        CompactionServices services,
        ActorRef<CatalogMessage> catalog,
        LogCompactionSettings settings,
        Func<int, bool> isMine,
        Meter meter,
        CancellationToken draining)
    {
        _services = services;
        _catalog = catalog;
        _settings = settings;
        _isMine = isMine;
        _log = services.System.Loggers.CreateLogger("log-compaction");
        _partitions = meter.CreateCounter<long>(
            "warp.log-compaction.partitions", "{partition}", "Partitions that were compacted by key, by outcome.");
        _records = meter.CreateCounter<long>(
            "warp.log-compaction.records", "{record}", "Records of those partitions, by fate (kept or removed).");
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(draining, services.System.Stopping);
    }

    /// <summary>Looks for work every interval until it is disposed of.</summary>
    public LogCompactionDriver Start()
    {
        _run = _services.System.Start(RunForeverAsync);
        return this;
    }

    /// <summary>Compacts all partitions that need it now. One that fails is noted and left for the next time.</summary>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        CatalogImage image = await _catalog.AskAsync<CatalogImage>(
            static reply => new CatalogMessage.ReadImage(reply), s_ask, cancellationToken);
        IReadOnlyDictionary<Guid, CleaningPolicy> policies = CleaningPolicy.Of(image, _settings.MinDirtyBytes);
        if (policies.Count == 0)
            return;
        for (int shard = 0; shard < _services.Region.ShardCount; shard++)
        {
            if (!_isMine(shard))
                continue;
            // Each at most once a round: a log that grows while it is compacted must not keep the others waiting.
            var done = new HashSet<TopicPartition>();
            while (await FindAsync(shard, policies, done, cancellationToken) is { } partition)
            {
                done.Add(partition.Partition);
                await RunAsync(partition, cancellationToken);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _run;
        _stopping.Dispose();
    }

    private async Task<CleanablePartition?> FindAsync(
        int shard, IReadOnlyDictionary<Guid, CleaningPolicy> policies, HashSet<TopicPartition> done, CancellationToken cancellationToken)
    {
        try
        {
            return await _services.Region.Sequencer(shard).AskAsync<CleanablePartition?>(
                reply => new SequencerMessage.FindCleanable(policies, done, reply), s_ask, cancellationToken);
        }
        catch (Exception error) when (error is TimeoutException or ActorStoppedException)
        {
            _log.LogWarning("Log compaction has to wait for shard {Shard}: {Error}", shard, error.Message);
            return null;
        }
    }

    private async Task RunAsync(CleanablePartition partition, CancellationToken cancellationToken)
    {
        try
        {
            LogCompactionResult result = await new LogCompactor(_services).RunAsync(partition, _settings.TargetBytes, cancellationToken);
            Count(result.IsTaken ? "compacted" : "changed");
            if (!result.IsTaken)
                return;
            _records.Add(result.KeptCount, new KeyValuePair<string, object?>("fate", "kept"));
            _records.Add(result.RemovedCount, new KeyValuePair<string, object?>("fate", "removed"));
            _log.LogInformation(
                "Compacted {Partition} by key: {Kept} records stay, {Removed} are gone, {Bytes} bytes written, keys read in {Passes} passes",
                partition.Partition, result.KeptCount, result.RemovedCount, result.BytesWritten, result.Passes);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested
            && error is CorruptInputException or ObjectStoreException or CompactionException or Protocol.Records.CorruptRecordException)
        {
            Count("failed");
            _log.LogError("{Partition} cannot be compacted by key and stays as it is: {Error}", partition.Partition, error.Message);
        }
    }

    private void Count(string outcome) => _partitions.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    private async Task RunForeverAsync()
    {
        while (true)
        {
            try
            {
                await Task.Delay(_settings.Interval, _services.System.Time, _stopping.Token);
                await RunOnceAsync(_stopping.Token);
            }
            catch (Exception) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                _log.LogWarning("Log compaction could not go on ({Error}); trying again", error.Message);
            }
        }
    }
}

/// <summary>When partitions are compacted by key.</summary>
/// <param name="Interval">How often somebody looks whether one needs it.</param>
/// <param name="MinDirtyBytes">From how many bytes on that were not compacted yet.</param>
/// <param name="TargetBytes">The size of the objects that are written.</param>
public sealed record LogCompactionSettings(TimeSpan Interval, long MinDirtyBytes, long TargetBytes);

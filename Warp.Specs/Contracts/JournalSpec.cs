using System.Text;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Contracts;

/// <summary>What every journal keeps; a backend's spec inherits it.</summary>
public abstract partial class JournalSpec : IAsyncLifetime
{
    private protected static readonly TimeSpan _lease = TimeSpan.FromSeconds(10);

    private protected static readonly ClusterRecord _newCluster =
        new("a-cluster-id-of-22-char", Lineage: 0, StoreBound: false, ShardIds.Count, EntityHash.Name, FeatureLevel: 1);

    private bool _isClosed;

    /// <summary>An empty journal, open while a test runs.</summary>
    protected IJournal Journal { get; private set; } = null!;

    protected NodeIncarnation Node { get; private set; }

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Opens the journal; a second call opens the same one again, after the first has been closed.</summary>
    protected abstract Task<IJournal> OpenAsync();

    /// <summary>The row of an object, or null. May reopen the journal.</summary>
    protected abstract Task<ObjectRow?> ReadObjectAsync(ObjectId id);

    /// <summary>Does to an object's row what the collector does first. May reopen the journal.</summary>
    protected abstract Task MarkDeletingAsync(ObjectId id);

    /// <summary>The texts of all events that are still there, whatever a snapshot covers. May reopen the journal.</summary>
    protected abstract Task<string[]> AllEventsAsync(string persistenceId);

    /// <summary>Whether what is trimmed is gone at once, and not with the appends that follow.</summary>
    protected virtual bool TrimsAtOnce => true;

    /// <summary>Loses an event, as a damaged database would. May reopen the journal.</summary>
    protected abstract Task LoseEventAsync(string persistenceId, long sequenceNr);

    /// <summary>Makes the time pass, for the journal: afterwards everything in it is so much older.</summary>
    protected abstract Task PassAsync(TimeSpan time);

    /// <summary>How much later than by <see cref="PassAsync"/> it may be by the journal's clock.</summary>
    protected abstract TimeSpan Moment { get; }

    public virtual async ValueTask InitializeAsync()
    {
        Journal = await OpenAsync();
        Node = await Journal.RegisterNodeAsync(null, Cancellation);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the journal and opens it again, with something done in between.</summary>
    protected async Task ReopenAsync(Func<Task>? whileClosed = null)
    {
        await CloseAsync();
        if (whileClosed is not null)
            await whileClosed();
        Journal = await OpenAsync();
        _isClosed = false;
    }

    /// <summary>Closes the journal for good.</summary>
    protected async Task CloseAsync()
    {
        if (!_isClosed)
            await Journal.DisposeAsync();
        _isClosed = true;
    }

    protected async Task<Fence> TakeAsync(int shard) =>
        Assert.Single(await Journal.TakeOverAsync(Node, [shard], _lease, Cancellation));

    /// <summary>A write of text events, the first with the given number.</summary>
    private protected static ActorWrite Write(Fence fence, string persistenceId, long first, params string[] texts) => new()
    {
        Fence = fence,
        PersistenceId = persistenceId,
        FirstSequenceNr = first,
        Events = [.. texts.Select(static text => new EventRecord(7, 1, Encoding.UTF8.GetBytes(text)))],
    };

    private protected static SnapshotRecord Snapshot(long sequenceNr, string text) => new(sequenceNr, Encoding.UTF8.GetBytes(text));

    private async Task AssertTrimmedAsync(string persistenceId, string[] trimmed, string[] kept)
    {
        string[] found = await AllEventsAsync(persistenceId);
        Assert.Equal(TrimsAtOnce ? kept : [.. trimmed[^Math.Max(0, found.Length - kept.Length)..], .. kept], found);
    }

    private protected async Task<WriteResult> AppendAsync(ActorWrite write) =>
        Assert.Single(await Journal.AppendAsync([write], Cancellation));

    private protected async Task AppendAsync(Fence fence, string persistenceId, long first, params string[] texts) =>
        Assert.Equal(WriteResult.Written, await AppendAsync(Write(fence, persistenceId, first, texts)));

    private protected static void AssertRefused(WriteRefusal why, WriteResult result)
    {
        Assert.Equal((WriteOutcome.Refused, why), (result.Outcome, result.Refusal));
        Assert.False(string.IsNullOrEmpty(result.Detail));
    }

    /// <summary>Checks that a time in the journal lies so far back, give or take a moment.</summary>
    private protected async Task AssertAgeAsync(TimeSpan age, DateTimeOffset? time)
    {
        Assert.NotNull(time);
        // To the millisecond, which is what the journal keeps.
        Assert.InRange(await Journal.ReadClockAsync(Cancellation) - time.Value, age, age + Moment);
    }

    /// <summary>The texts of the events after the snapshot, after the snapshot's own.</summary>
    private protected async Task<string[]> RecoverAsync(string persistenceId)
    {
        RecoveredJournal found = await Journal.RecoverAsync(persistenceId, Cancellation);
        IEnumerable<string> events = found.Events.Select(static record => Encoding.UTF8.GetString(record.Payload.Span));
        return found.Snapshot is null ? [.. events] : [$"<{Encoding.UTF8.GetString(found.Snapshot.Payload.Span)}>", .. events];
    }

    /// <summary>A row of the object table.</summary>
    protected sealed record ObjectRow(long SizeBytes, int Level, string State, ulong LiveShards, bool Released)
    {
        /// <summary>Until when a pending object is kept, in ms.</summary>
        public long? DeadlineMs { get; init; }
    }
}

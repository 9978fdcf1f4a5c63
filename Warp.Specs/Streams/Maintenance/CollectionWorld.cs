using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Maintenance;

/// <summary>A node's streams on a clock of the test's, and a garbage collector for its store.</summary>
internal sealed class CollectionWorld : IAsyncDisposable
{
    private CollectionWorld(StreamsWorld streams, ManualTime time)
    {
        Streams = streams;
        Time = time;
    }

    public static TimeConstants Times { get; } = new();

    public StreamsWorld Streams { get; }

    public ManualTime Time { get; }

    public ObjectKeys Keys => Streams.Keys;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<CollectionWorld> StartAsync(int shards = 4)
    {
        var time = new ManualTime();
        var world = new CollectionWorld(await StreamsWorld.StartAsync(time: time, times: Times, shards: shards), time);
        ClusterRecord cluster = await world.Streams.Journal.ReadClusterAsync(Cancellation);
        await new StoreIdentity(world.Streams.Store, world.Keys).BindAsync(cluster.ClusterId, Cancellation);
        await world.Lineage().RaiseAsync(Cancellation);
        return world;
    }

    public StoreLineage Lineage() => new(Streams.Journal, Streams.Store, Keys);

    /// <summary>A collector that does not pace itself.</summary>
    public GarbageCollector Collector(IJournal? journal = null, Func<Fence?>? fence = null) => new(
        new CollectorServices(
            journal ?? Streams.Journal,
            Streams.Store,
            Keys,
            new StoreLineage(journal ?? Streams.Journal, Streams.Store, Keys),
            Times,
            TimeProvider.System,
            DeletesPerSecond: 100_000),
        fence ?? (() => Streams.Node.Leases.FenceOf(ShardIds.Collection)));

    /// <summary>Collects what is due, and tells what went, as <c>reason key</c>.</summary>
    public async Task<List<string>> SweepAsync(bool listStore = true)
    {
        var collected = new List<string>();
        await Collector().SweepAsync(listStore, one => collected.Add(Line(one)), Cancellation)
            .WaitAsync(StreamsWorld.Patience, Cancellation);
        return collected;
    }

    /// <summary>Tells what a sweep would collect.</summary>
    public async Task<List<string>> RehearseAsync()
    {
        var collected = new List<string>();
        await Collector().RehearseAsync(one => collected.Add(Line(one)), Cancellation).WaitAsync(StreamsWorld.Patience, Cancellation);
        return collected;
    }

    /// <summary>All that is wrong with the store, as <c>kind subject</c>.</summary>
    public async Task<List<VerificationFinding>> VerifyAsync()
    {
        var findings = new List<VerificationFinding>();
        await new StoreVerifier(Streams.Journal, Streams.Store, Keys, Times).RunAsync(findings.Add, Cancellation)
            .WaitAsync(StreamsWorld.Patience, Cancellation);
        return findings;
    }

    public Task<ErrorCode> DeleteTopicAsync(TopicPartition partition) => Streams.Region.SequencerOf(partition).AskAsync<ErrorCode>(
        reply => new SequencerMessage.DeleteTopic(partition.TopicId, reply), Actors.JournaledNode.AskDeadline, Cancellation);

    public async Task DeleteRecordsAsync(TopicPartition partition, long before)
    {
        DeleteRecordsReply reply = await Streams.Region.SequencerOf(partition).AskAsync<DeleteRecordsReply>(
            answer => new SequencerMessage.DeleteRecords(partition, before, answer), Actors.JournaledNode.AskDeadline, Cancellation);
        Assert.Equal(ErrorCode.None, reply.Error);
    }

    /// <summary>Produces and gives the key of the object that the batch lies in.</summary>
    public async Task<string> ProduceAsync(TopicPartition partition, string value)
    {
        List<string> before = await Streams.Store.KeysAsync();
        Assert.Equal(ErrorCode.None, (await Streams.ProduceAsync(partition, SampleBatches.Build(value))).Error);
        return Assert.Single((await Streams.Store.KeysAsync()).Except(before));
    }

    /// <summary>The rows of all objects, by id.</summary>
    public async Task<IReadOnlyList<ObjectRow>> RowsAsync() =>
        await Streams.Journal.ListObjectsAsync(ObjectRowKind.All, TimeSpan.Zero, null, 1000, Cancellation);

    public ValueTask DisposeAsync() => Streams.DisposeAsync();

    private static string Line(CollectedObject collected)
    {
        Assert.NotEmpty(collected.Why);
        return $"{collected.Reason} {collected.Key}";
    }
}

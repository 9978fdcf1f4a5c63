using System.Net;
using Warp.Load.Client;
using Warp.Protocol.Records;

namespace Warp.Specs.Clients.Matrix;

/// <summary>What a check has at hand.</summary>
/// <param name="Client">The client's name, as in the matrix.</param>
/// <param name="Driver">The client to check.</param>
/// <param name="Reference">A client to prepare and to verify with.</param>
/// <param name="Bootstrap">The node's address.</param>
public sealed record CheckContext(string Client, IClientDriver Driver, ConfluentDriver Reference, string Bootstrap)
{
    private const string Localhost = "127.0.0.1";

    private static readonly Dictionary<string, string> _noConfigs = [];

    /// <summary>The name of a topic or a group that no other client uses.</summary>
    public string Own(string name) => $"{Client}-{name}";

    /// <summary>Creates a topic by the reference client.</summary>
    /// <returns>Its name.</returns>
    public async Task<string> PrepareTopicAsync(
        string name, CancellationToken cancellation, int partitions = 1, Dictionary<string, string>? configs = null)
    {
        await Reference.CreateTopicAsync(Own(name), partitions, configs ?? _noConfigs, cancellation);
        return Own(name);
    }

    /// <summary>Creates a topic with records whose timestamps are a second apart, by the reference client.</summary>
    /// <param name="name">Of the topic.</param>
    /// <param name="count">How many records.</param>
    /// <param name="firstMs">The first record's timestamp.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The topic's name.</returns>
    public async Task<string> PrepareRecordsAsync(string name, int count, long firstMs, CancellationToken cancellation)
    {
        string topic = await PrepareTopicAsync(name, cancellation);
        var records = Enumerable.Range(0, count).Select(n => MatrixRecord.Of($"key {n}", $"value {n}", firstMs + (n * 1000L)));
        await Reference.ProduceAsync(new(topic, 0, [.. records]), cancellation);
        return topic;
    }

    /// <summary>All records of a partition, read by the client.</summary>
    public async Task<IReadOnlyList<MatrixRecord>> ReadAllAsync(string topic, CancellationToken cancellation) =>
        (await Driver.ReadAsync(topic, 0, ["beginning"], cancellation))[0];

    /// <summary>The headers of the batches in partition 0 as the node hands them out, still as they were sent.</summary>
    public async Task<IReadOnlyList<RecordBatchHeader>> FetchBatchesAsync(string topic, CancellationToken cancellation)
    {
        int port = int.Parse(Bootstrap[(Bootstrap.LastIndexOf(':') + 1)..]);
        await using var client = await KafkaClient.ConnectAsync(new DnsEndPoint(Localhost, port), "matrix", cancellation);
        var metadata = await KafkaTopic.WaitForAsync(client, topic, TimeProvider.System, cancellation);
        var fetched = await client.FetchAsync(metadata, new Dictionary<int, long> { [0] = 0 }, TimeSpan.FromSeconds(10), cancellation);
        var batches = new List<RecordBatchHeader>();
        for (var left = fetched[0].Records.Memory.Span; RecordBatchHeader.TryRead(left, out var header); left = left[header.SizeBytes..])
            batches.Add(header);
        return batches;
    }
}

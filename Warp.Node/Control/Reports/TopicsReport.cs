namespace Warp.Node.Control.Reports;

/// <summary>The topics of a cluster.</summary>
public sealed record TopicsReport(IReadOnlyList<TopicReport> Topics);

/// <summary>One topic.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Id">Its id.</param>
/// <param name="Partitions">How many it has.</param>
/// <param name="ReplicationFactor">As its creator asked for.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Configs">Those that it sets itself.</param>
/// <param name="Logs">Its partitions, if it was asked for alone.</param>
public sealed record TopicReport(
    string Name,
    Guid Id,
    int Partitions,
    int ReplicationFactor,
    DateTimeOffset Created,
    IReadOnlyDictionary<string, string> Configs,
    IReadOnlyList<LogReport>? Logs);

/// <summary>One partition.</summary>
/// <param name="Partition">Its number.</param>
/// <param name="Shard">Where its offsets are kept.</param>
/// <param name="Owner">The node that has that shard.</param>
/// <param name="LogStart">The first offset.</param>
/// <param name="HighWatermark">The next offset.</param>
/// <param name="LastStable">The first offset of an open transaction, or the next offset.</param>
/// <param name="Bytes">Of its records.</param>
/// <param name="Error">Why the rest is not known.</param>
public sealed record LogReport(
    int Partition, int Shard, int? Owner, long LogStart, long HighWatermark, long LastStable, long Bytes, string? Error);

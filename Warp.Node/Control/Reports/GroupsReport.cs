namespace Warp.Node.Control.Reports;

/// <summary>The consumer groups of a cluster.</summary>
/// <param name="Groups">By id.</param>
/// <param name="Problems">A sentence for each node that did not tell of its own.</param>
public sealed record GroupsReport(IReadOnlyList<GroupReport> Groups, IReadOnlyList<string> Problems);

/// <summary>One group.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Type">classic or consumer (KIP-848).</param>
/// <param name="State">As Kafka names it.</param>
/// <param name="Assignor">Who assigns; empty where nobody does.</param>
/// <param name="Coordinator">The node of its coordinator.</param>
/// <param name="MemberCount">How many members it has.</param>
/// <param name="Members">Each of them, if the group was asked for alone.</param>
/// <param name="Offsets">What it has committed, if it was asked for alone.</param>
public sealed record GroupReport(
    string Id,
    string Type,
    string State,
    string Assignor,
    int Coordinator,
    int MemberCount,
    IReadOnlyList<MemberReport>? Members,
    IReadOnlyList<OffsetReport>? Offsets);

/// <summary>A member of a group; its partitions as <c>topic-3</c>.</summary>
public sealed record MemberReport(string Id, string? InstanceId, string ClientId, string ClientHost, IReadOnlyList<string> Partitions);

/// <summary>How far a group is in a partition; the end and the lag are null where the log did not answer.</summary>
public sealed record OffsetReport(string Topic, int Partition, long Committed, long? End, long? Lag);

namespace Warp.Node.Control.Reports;

/// <summary>A fault of the store.</summary>
/// <param name="Kind">What kind it is.</param>
/// <param name="Subject">The object's key, or what else is concerned.</param>
/// <param name="Problem">What is wrong, in words.</param>
public sealed record FaultReport(string Kind, string Subject, string Problem);

/// <summary>What a verification has read.</summary>
public sealed record VerifiedReport(long Objects, long Bytes, long Extents, long Faults);

/// <summary>An object that was, or would be, deleted.</summary>
public sealed record GarbageReport(string Key, long SizeBytes, string Reason, string Why);

/// <summary>What a sweep has deleted, or would delete.</summary>
/// <param name="DryRun">Whether nothing was changed.</param>
/// <param name="Count">Objects.</param>
/// <param name="Bytes">Of them.</param>
/// <param name="Uploads">Unfinished uploads that were given up.</param>
/// <param name="Node">The node that swept.</param>
public sealed record SweptReport(bool DryRun, long Count, long Bytes, int Uploads, int Node);

/// <summary>What a repair of a quorum has found in its stores.</summary>
/// <param name="Objects">Objects in the stores together.</param>
/// <param name="Copied">Copies that a store lacked and was given.</param>
/// <param name="Failed">Copies that a store lacks still.</param>
public sealed record RepairedReport(long Objects, long Copied, long Failed);

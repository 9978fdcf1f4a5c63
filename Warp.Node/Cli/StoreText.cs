using Warp.Node.Control.Reports;

namespace Warp.Node.Cli;

/// <summary>What is said of stores, whether a node was asked or a command has looked itself.</summary>
internal static class StoreText
{
    public static string Verified(VerifiedReport read) =>
        $"Read {read.Objects} objects of {read.Bytes} bytes and {read.Extents} extents: {(read.Faults == 0 ? "all is well" : $"{read.Faults} faults")}";

    public static string Collected(GarbageReport garbage, bool dryRun) =>
        $"{(dryRun ? "would delete" : "deleted")} {garbage.Key} ({garbage.SizeBytes} bytes), {garbage.Reason}: {garbage.Why}";

    public static string Swept(SweptReport swept) =>
        $"{(swept.DryRun ? "Would delete" : "Deleted")} {swept.Count} objects of {swept.Bytes} bytes";

    public static string Repaired(RepairedReport repaired) => repaired switch
    {
        { Copied: 0, Failed: 0 } => $"Looked at {repaired.Objects} objects: every store has all of them",
        { Failed: 0 } => $"Looked at {repaired.Objects} objects: {repaired.Copied} copies were missing, and were made",
        _ => $"Looked at {repaired.Objects} objects: {repaired.Copied} missing copies were made, {repaired.Failed} could not be; try again",
    };
}

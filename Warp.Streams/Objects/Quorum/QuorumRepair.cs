namespace Warp.Streams.Objects.Quorum;

/// <summary>What a repair has found.</summary>
/// <param name="Objects">How many objects there are in the stores together.</param>
/// <param name="Copied">How many copies were missing and have been made.</param>
/// <param name="Failed">How many copies are missing still.</param>
public readonly record struct QuorumRepair(long Objects, long Copied, long Failed)
{
    /// <summary>Repairs several quorums, one after the other.</summary>
    /// <exception cref="ObjectStoreException">A store cannot be listed: whether it lacks something cannot be told.</exception>
    public static async Task<QuorumRepair> RunAsync(IEnumerable<QuorumObjectStore> quorums, CancellationToken cancellationToken)
    {
        var sum = new QuorumRepair();
        foreach (QuorumObjectStore quorum in quorums)
        {
            QuorumRepair one = await quorum.RepairAsync("", cancellationToken);
            sum = new QuorumRepair(sum.Objects + one.Objects, sum.Copied + one.Copied, sum.Failed + one.Failed);
        }
        return sum;
    }
}

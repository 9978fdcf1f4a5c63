namespace Warp.Load.Connections;

/// <summary>Deals partitions out to producers. Pure.</summary>
public static class PartitionDeal
{
    /// <summary>
    /// The requests that one producer sends in turn, each as its partitions: every partition belongs to one producer, unless there are more
    /// producers than partitions; then some share one.
    /// </summary>
    /// <param name="producer">From 0.</param>
    /// <param name="producers">How many there are.</param>
    /// <param name="partitions">How many there are.</param>
    /// <param name="batchesPerRequest">The most partitions in one request.</param>
    public static IEnumerable<int[]> Requests(int producer, int producers, int partitions, int batchesPerRequest)
    {
        IEnumerable<int> own = producers > partitions
            ? [producer % partitions]
            : Enumerable.Range(0, partitions).Where(partition => partition % producers == producer);
        return own.Chunk(batchesPerRequest);
    }
}
